// Says so where no answer comes: htmx alone would leave the page as it is.
for (const kind of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(kind, () => {
    const toast = document.createElement("p");
    toast.className = "toast wrong";
    toast.textContent = "The server does not answer. Nothing was changed; try again in a moment.";
    document.getElementById("said").replaceChildren(toast);
  });
}
