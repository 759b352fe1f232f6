"""A real Chromium in front of the real portal, and what it complained about."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import NoAlertPresentException, StaleElementReferenceException, WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from provisioning.forge.client import ForgeClient
from provisioning.forge.config import forge_from_settings
from tenants.models import User
from tests.browser.pages import running, waiting  # noqa: F401 - fixtures
from tests.contracts.forge.server import Forge, embedded
from tests.factories import PASSWORD

# Real containers with logs, as the tests of the logs make them.
from tests.provisioning.logs.conftest import engine, image, plugin  # noqa: F401

# Far longer than anything takes: only a test that fails waits for so long.
PATIENCE_S = 120
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Hostnames of apps are not looked up anywhere; nothing but the server under test is asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--window-size=1200,900",
)


class Browser:
    """What a person does with the portal: go, read, fill in, press."""

    def __init__(self, driver: Chrome, base: str) -> None:
        self.driver = driver
        self.base = base
        self.driver.get_log("browser")

    def go(self, path: str) -> None:
        """Returns when the page is there: until then what is asked of it may be asked of the one before."""
        old = self.find("html")
        self.driver.get(f"{self.base}{path}")
        self._arrived(old)

    def sign_in(self, user: User) -> None:
        self.go("/sign-in/")
        self.fill(username=user.username, password=PASSWORD)
        self.press("Sign in")

    def fill(self, **fields: str) -> None:
        for name, text in fields.items():
            element = self.find(f"[name={name}]")
            if element.tag_name == "select":
                self.find(f"[name={name}] option[value='{text}']").click()
            else:
                element.clear()
                element.send_keys(text)

    def press(self, text: str) -> None:
        """Presses the button of this name, and waits until the page that it leads to is there."""
        self._leave(self.driver.find_element(By.XPATH, f"//button[normalize-space()='{text}']"))

    def follow(self, text: str) -> None:
        self._leave(self.driver.find_element(By.LINK_TEXT, text))

    def _leave(self, element: WebElement) -> None:
        old = self.find("html")
        element.click()
        self._arrived(old)

    def _arrived(self, old: WebElement) -> None:
        WebDriverWait(self.driver, PATIENCE_S, 0.05).until(lambda _driver: _is_gone(old))
        self.wait_until("document.readyState === 'complete'")

    def wait_until(self, expression: str) -> None:
        WebDriverWait(self.driver, PATIENCE_S, 0.05).until(lambda driver: driver.execute_script(f"return {expression}"))

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def count(self, selector: str) -> int:
        return len(self.driver.find_elements(By.CSS_SELECTOR, selector))

    @property
    def text(self) -> str:
        """What the page's main part says."""
        return self.find("main").text

    @property
    def heading(self) -> str:
        return self.find("h1").text

    @property
    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.base)

    def complaints(self) -> list[str]:
        """Refused scripts, styles and errors that the browser's own log has since the last call."""
        entries: list[dict[str, Any]] = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def has_dialog(self) -> bool:
        try:
            self.driver.switch_to.alert  # noqa: B018 - it is looked up by this
        except NoAlertPresentException:
            return False
        return True


def _is_gone(element: WebElement) -> bool:
    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    except WebDriverException as error:
        # What chromedriver says of an element whose page goes away at this very moment.
        if "does not belong to the document" not in str(error):
            raise
        return True
    return False


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    driver_path = shutil.which("chromedriver")
    assert driver_path, "chromedriver is not installed: apt-get install chromium chromium-driver"
    profile: Path = tmp_path_factory.mktemp("chromium")
    options = ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # A dialog stays open, so that nothing after it works.
    options.unhandled_prompt_behavior = "ignore"
    driver = Chrome(options=options, service=ChromeService(executable_path=driver_path))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Chrome, live_server: Any) -> Iterator[Browser]:
    chromium.get(f"{live_server.url}/sign-in/")
    chromium.delete_all_cookies()
    yield Browser(chromium, live_server.url)
    chromium.get("about:blank")


@pytest.fixture(scope="session")
def forge_server(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], dict[str, str]]
) -> Iterator[Forge]:
    with embedded(tmp_path_factory.mktemp("forge"), **new_database()) as started:
        yield started


@pytest.fixture
def forge(forge_server: Forge, settings: Any, tmp_path: Path) -> ForgeClient:
    """The embedded forge, behind a server of its own: the portal's one here can't stream git's answers."""
    settings.FORGE_URL, settings.FORGE_TOKEN = forge_server.url, forge_server.admin_token
    settings.READING_HOME = tmp_path / "reading"
    return forge_from_settings()
