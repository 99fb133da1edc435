
// Light or dark: as the system is, until the reader says otherwise; the choice is kept where pages may keep any.
const root = document.documentElement;
const themeKey = "v2m-report-theme";

function changeTheme() {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem(themeKey, root.dataset.theme);
  } catch {
    // a page that may keep nothing begins as the system is
  }
}

try {
  const kept = localStorage.getItem(themeKey);
  if (kept === "light" || kept === "dark") root.dataset.theme = kept;
} catch {
  // as above
}
