"""`cargo xtask screenshots`: every page in light and dark, wide and on a phone, into the folder that is given."""

import pathlib
import sys
import tempfile

from browser import NARROW, WIDE, Desk, open_browser
from process import Processes


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        processes = Processes(pathlib.Path(work))
        browser = open_browser()
        try:
            desk = Desk(processes, pathlib.Path(work))
            desk.counted(len(desk.failing))
            browser.base = desk.url
            views = [(width, scheme) for width in (WIDE, NARROW) for scheme in ("light", "dark")]
            shoot(browser, folder, {"sign-in": "/sign-in"}, views)
            browser.sign_in(desk.url, "operator")
            shoot(browser, folder, desk.pages(), views)
        finally:
            browser.driver.quit()
            processes.close()


def shoot(browser, folder, pages, views):
    for width, scheme in views:
        browser.resize(width)
        browser.scheme(scheme)
        for name, path in pages.items():
            browser.go(path)
            wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
            note = "" if wide <= width else f" (page is {wide} px wide)"
            browser.shoot(folder / f"{name}-{width}-{scheme}.png")
            sys.stdout.write(f"{name} {width} {scheme}{note}\n")
    browser.resize(WIDE)
    browser.scheme("light")


if __name__ == "__main__":
    main(sys.argv[1])
