// Starts Swagger UI, which may not stand in the page: its policy allows no inline scripts.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null, // the default sends the document to another host
});
