"""The page, in Chromium. With PAGE_PICTURES=FOLDER it leaves pictures of itself there."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from chatbot_process import Chatbot
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from visitor import PASSWORD, Visitor

DEADLINE_S = 60
SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --no-proxy-server --window-size=1100,760"
)
MARKUP = "<img src=x onerror=alert(1)><b>pool</b>"


@pytest.fixture(scope="module")
def browser():
    folder = tempfile.mkdtemp(prefix="chatbot-page-")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for switch in [*SWITCHES.split(), f"--user-data-dir={folder}"]:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.chrome.service.Service(shutil.which("chromedriver"))
    with webdriver.Chrome(service=service, options=options) as browser:
        yield browser
    shutil.rmtree(folder, ignore_errors=True)


class Page:
    def __init__(self, browser, url: str):
        self.browser = browser
        browser.get(url)

    def find(self, selector: str):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        # In one go: elements that are asked one by one may be gone by then.
        script = "return [...document.querySelectorAll(arguments[0])].map(each => each.textContent)"
        return self.browser.execute_script(script, selector)

    def wait(self, condition, what: str):
        WebDriverWait(self.browser, DEADLINE_S, poll_frequency=0.05).until(lambda _: condition(), what)

    def register(self, name: str):
        self.wait(lambda: self.find("#login").is_displayed(), "the door is there")
        self.find("#name").send_keys(name)
        self.find("#password").send_keys(PASSWORD)
        self.find("#register").click()
        self.wait(lambda: self.find("#room").is_displayed(), "the door opens")

    def ask(self, question: str, answers: int = 1):
        """Until so many answers, with their sources, are there."""
        self.find("#question").send_keys(question + Keys.ENTER)
        self.wait(lambda: len(list(filter(None, self.texts(".assistant .sources")))) == answers, "it is answered")
        self.wait(lambda: self.find("#send").is_enabled(), "the answer has ended")

    def picture(self, name: str):
        if folder := os.environ.get("PAGE_PICTURES"):
            self.browser.save_screenshot(str(Path(folder) / f"{name}.png"))


@pytest.fixture
def page(browser, chatbot):
    """Nobody has logged in, and nothing is wrong on the page at the end."""
    browser.get(chatbot.url)
    browser.delete_all_cookies()
    browser.get_log("browser")
    yield Page(browser, chatbot.url)
    # Chromium tells each answer of 400 and above, and the first request is whether somebody is logged in.
    told = [entry["message"] for entry in browser.get_log("browser") if "status of 401" not in entry["message"]]
    assert told == []


def test_who_comes_registers_asks_and_is_answered(page, guest):
    page.picture("door")
    page.register(guest.name)
    page.ask("What is a connection pool?")
    page.ask("And how much does a connection cost?", answers=2)
    assert page.texts(".user .text") == ["What is a connection pool?", "And how much does a connection cost?"]
    assert "lends them to those who need one" in page.texts(".assistant .text")[0]
    assert "Connections: Connection pools" in page.texts(".sources")[1]
    page.wait(lambda: page.texts("#conversations button") == ["What is a connection pool?"], "it is listed")
    page.picture("room")


def test_conversations_are_there_again_after_a_reload(page, guest):
    page.register(guest.name)
    page.ask("What is a lock?")
    page.wait(lambda: page.texts("#conversations button") == ["What is a lock?"], "it is listed")
    page.browser.refresh()
    page.wait(lambda: page.texts("#conversations button") == ["What is a lock?"], "it is listed again")
    page.find("#conversations button").click()
    page.wait(lambda: len(page.texts(".message")) == 2, "its messages are there")
    page.find("#new").click()
    page.wait(lambda: page.texts(".message") == [], "a new one begins")


def test_what_users_write_is_text(page, guest):
    page.register(guest.name)
    page.ask(MARKUP + " What is a pool?")
    assert page.texts(".user .text")[0].startswith(MARKUP)
    assert page.texts(".message img, nav img, .message b") == []


def test_a_wrong_password_is_told_at_the_door(page, guest):
    guest.post("/register", json=guest.credentials())
    page.find("#name").send_keys(guest.name)
    page.find("#password").send_keys("a wrong secret")
    page.find("#enter").click()
    page.wait(lambda: page.texts("#door-said") == ["Name or password is wrong."], "it is told")


def test_who_logs_out_is_at_the_door_again(page, guest):
    page.register(guest.name)
    page.find("#leave").click()
    page.wait(lambda: page.find("#login").is_displayed(), "the door is there")
    page.browser.refresh()
    page.wait(lambda: page.find("#login").is_displayed(), "the door is there")


def test_a_question_survives_the_trouble_of_the_database(browser, lamp, guest):
    """The page asks again by itself, under the same key, until it is answered."""
    with lamp.another_ballast(query_wait_timeout=1, server_down_timeout=1) as pooler, Chatbot(pooler.url()) as chatbot:
        page = Page(browser, chatbot.url)
        page.register(guest.name)
        lamp.neon.set(refuse="reset")
        lamp.neon.post("/kill", how="reset")
        try:
            page.find("#question").send_keys("What is a lock?" + Keys.ENTER)
            page.wait(lambda: "Ask again" in "".join(page.texts(".assistant .text")), "it is told")
            page.picture("trouble")
        finally:
            lamp.neon.set(refuse="off")
        page.wait(lambda: "A lock makes" in "".join(page.texts(".assistant .text")), "it is answered")
        with Visitor(chatbot.url) as visitor:
            visitor.post("/login", json=visitor.credentials(name=guest.name))
            [conversation] = visitor.get("/conversations").json()
            assert len(visitor.get(f"/conversations/{conversation['id']}").json()) == 2
