// Says why a page that is a model cannot start.

/** Shows an error instead of the page. */
export function showFailure(error) {
    const message = document.createElement("p");
    message.className = "status error";
    message.setAttribute("role", "alert");
    message.textContent = `The page cannot start: ${error.message}`;
    document.getElementById("app").replaceChildren(message);
}
