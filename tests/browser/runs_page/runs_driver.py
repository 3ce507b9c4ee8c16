"""What several journeys do with the Runs page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

RUNS = 60
HOSTILE = '<img src=x onerror="document.title=1"> =1+1 **bold** :streamlit: -> $x$'
"""Name of the first run."""


def rows(page: Page) -> Locator:
    return page.locator(".mt-table tbody tr[data-run]")


def row(page: Page, name: str) -> Locator:
    return rows(page).filter(has=page.get_by_role("link", name=name, exact=True))


def column(page: Page, title: str) -> Locator:
    titles = page.locator(".mt-table thead tr").first.locator("th")
    place = next(i for i in range(titles.count()) if titles.nth(i).inner_text().startswith(title))
    return page.locator(f".mt-table tbody tr[data-run] > :nth-child({place + 1})")


def names(page: Page) -> list[str]:
    return page.locator(".mt-table tbody a.mt-table-name").all_inner_texts()


def select(page: Page, *wanted: str) -> None:
    for name in wanted:
        page.get_by_label("Filter Name").fill(name)
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
    page.get_by_label("Filter Name").fill("")


def view(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name, exact=True)).click()
