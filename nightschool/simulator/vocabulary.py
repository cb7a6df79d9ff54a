"""The words and margins of the simulated platform: titles, content labels, events and how often each occurs."""

from typing import Final, NamedTuple

USERS_FILE: Final = "users.csv"
CONTENT_FILE: Final = "content.csv"
ENGAGEMENTS_FILE: Final = "engagements.csv"
TRUTH_FILE: Final = "truth.parquet"

# Columns of the simulated source files that the tables of the lake know under another name, or not at all.
CONTENT_ID: Final = "content_id"
SENIORITY: Final = "seniority"
DEPARTMENT: Final = "department"
LEARNING_STYLE: Final = "learning_style"
DOMAIN: Final = "domain"
SUBTOPIC: Final = "subtopic"
DIFFICULTY: Final = "difficulty"
TYPE: Final = "type"


class Title(NamedTuple):
    """A job title: its share of the users (a weight), seniority and department, and the role behind its interests."""

    name: str
    seniority: str
    weight: float
    department: str
    role: str


TITLES: Final = (
    Title("Student (Data Science)", "Student", 15, "Data", "scientist"),
    Title("Student (Software Engineering)", "Student", 10, "Engineering", "engineer"),
    Title("Student (Business Analyst)", "Student", 10, "Product", "business"),
    Title("Student (Marketing)", "Student", 10, "Marketing", "marketing"),
    Title("Fresher (Data Analyst)", "Fresher", 10, "Data", "analyst"),
    Title("Fresher (Junior Developer)", "Fresher", 10, "Engineering", "engineer"),
    Title("Fresher (Business Analyst)", "Fresher", 5, "Product", "business"),
    Title("Fresher (Marketing Associate)", "Fresher", 5, "Marketing", "marketing"),
    Title("Junior Data Analyst", "Junior", 5, "Data", "analyst"),
    Title("Junior Data Scientist", "Junior", 5, "Data", "scientist"),
    Title("Junior Software Engineer", "Junior", 5, "Engineering", "engineer"),
    Title("Junior Machine Learning Engineer", "Junior", 5, "Engineering", "machine learning"),
    Title("Junior Business Analyst", "Junior", 5, "Product", "business"),
    Title("Junior Marketing Assistant", "Junior", 3, "Marketing", "marketing"),
    Title("Mid Data Analyst", "Mid", 2, "Data", "analyst"),
    Title("Mid Data Scientist", "Mid", 2, "Data", "scientist"),
    Title("Mid Software Engineer", "Mid", 2, "Engineering", "engineer"),
    Title("Mid Machine Learning Engineer", "Mid", 1, "Engineering", "machine learning"),
    Title("Mid Business Intelligence Analyst", "Mid", 1, "Data", "analyst"),
    Title("Mid Product Manager", "Mid", 1, "Product", "product"),
    Title("Mid Marketing Manager", "Mid", 1, "Marketing", "marketing"),
    Title("Senior Data Analyst", "Senior", 1, "Data", "analyst"),
    Title("Senior Data Scientist", "Senior", 1, "Data", "scientist"),
    Title("Senior Software Engineer", "Senior", 1, "Engineering", "engineer"),
    Title("Senior Machine Learning Engineer", "Senior", 1, "Engineering", "machine learning"),
    Title("Senior Product Manager", "Senior", 1, "Product", "product"),
    Title("Lead Data Scientist", "Lead", 0.5, "Data", "scientist"),
    Title("Principal Engineer", "Lead", 0.5, "Engineering", "engineer"),
    Title("Data Science Manager", "Lead", 0.5, "Data", "scientist"),
    Title("Director of Data", "Lead", 0.5, "Data", "analyst"),
)

SENIORITIES: Final = ("Student", "Fresher", "Junior", "Mid", "Senior", "Lead")
LEARNING_STYLES: Final = ("Visual", "Auditory", "Kinesthetic", "Reading/Writing")

DOMAINS: Final = (
    "Data Science",
    "Business",
    "Marketing",
    "Mathematics",
    "Finance",
    "Software Engineering",
    "Design",
)
SUBTOPICS: Final = (
    "linear-algebra",
    "social-media-analytics",
    "machine-learning",
    "financial-modeling",
    "product-management",
    "sql",
    "python",
    "r",
    "agile-methodology",
)
DIFFICULTIES: Final = ("Beginner", "Intermediate", "Advanced")
DIFFICULTY_WEIGHTS: Final = (0.5, 0.35, 0.15)
TYPES: Final = ("Video", "Article", "Interactive Quiz", "Case Study")
TYPE_WEIGHTS: Final = (0.6, 0.2, 0.1, 0.1)

VIEWED: Final = "viewed"
EVENTS: Final = (VIEWED, "completed", "shared", "bookmarked")
EVENT_WEIGHTS: Final = (0.7, 0.2, 0.05, 0.05)

USER_ACTIVITY: Final = 0.5
"""Concentration of the Dirichlet distribution that shares the interactions out among users."""
ITEM_POPULARITY: Final = 0.8
"""Concentration of the Dirichlet distribution that shares the interactions out among items."""

DURATION_MEAN: Final = 900.0
DURATION_SPREAD: Final = 300.0
DURATION_LOWEST: Final = 30.0
DURATION_HIGHEST: Final = 3600.0
LIKE_BASE: Final = 0.1
LIKE_SLOPE: Final = 0.8

SUBTOPIC_WORDS: Final = {
    "linear-algebra": ("vectors", "matrices", "eigenvalues", "projections", "decompositions"),
    "social-media-analytics": ("hashtags", "followers", "campaigns", "sentiment", "influencers"),
    "machine-learning": ("classifiers", "regression", "clustering", "neural networks", "overfitting"),
    "financial-modeling": ("cash flows", "valuation", "forecasts", "balance sheets", "scenarios"),
    "product-management": ("roadmaps", "backlogs", "user stories", "prioritisation", "launches"),
    "sql": ("queries", "joins", "indexes", "databases", "window functions"),
    "python": ("decorators", "generators", "pandas", "notebooks", "type hints"),
    "r": ("tidyverse", "ggplot", "data frames", "shiny", "markdown reports"),
    "agile-methodology": ("sprints", "scrum", "kanban", "retrospectives", "standups"),
}
DOMAIN_WORDS: Final = {
    "Data Science": ("data scientists", "experiments", "statistics", "predictive analytics"),
    "Business": ("business strategy", "operations", "stakeholders", "entrepreneurs"),
    "Marketing": ("marketing teams", "brands", "customer growth", "advertising"),
    "Mathematics": ("mathematicians", "theorems", "calculus", "probability"),
    "Finance": ("finance teams", "investors", "banking", "accounting"),
    "Software Engineering": ("software engineers", "backend systems", "code quality", "deployments"),
    "Design": ("designers", "user experience", "typography", "prototypes"),
}
