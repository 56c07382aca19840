"""Derivations in a browser: by hand, by keyboard, in motion, without a script, on paper."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

import pages
from small_book import Build

pytestmark = pytest.mark.browser
Read = Callable[..., Any]

TEXT = r"""
See {eq}`eq:three`.

````{derivation}
```{step} One
First:

$$
\eta_i h_i = \eta_{i-1} h_{i-1} + x_i + z
$$ (eq:one)
```

```{step} Two
Second:

$$
h_i = \frac{\eta_{i-1}}{\eta_i} h_{i-1} + \frac{1}{\eta_i} x_i
$$ (eq:two)
```

```{step} Three
Third:

$$
h_i = \Lambda_i h_{i-1} + B_i x_i
$$ (eq:three)
```
````
"""
# The place of each coloured letter of a step, by its text, on the screen.
PLACES = """(step) => [...document.querySelectorAll(".step")[step - 1]
    .querySelectorAll(".katex-html .part-norm")].map((node) => {
  const { x, y } = node.getBoundingClientRect();
  return { text: node.textContent.replace(/[\\s\\u200b]/g, ""), x, y };
})"""
# Hold all motion in the page at a share of its way.
HOLD = """(share) => {
  const running = document.getAnimations();
  for (const one of running) {
    one.pause();
    one.currentTime = share * one.effect.getTiming().duration;
  }
  return running.length;
}"""
# Of the last letter of the first step, which the second has not.
OPACITY = """() => Number(getComputedStyle(
  [...document.querySelectorAll(".step")[0].querySelectorAll(".mathnormal")].at(-1)).opacity)"""
FINISH = "() => { for (const one of document.getAnimations()) one.finish(); }"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = Build(tmp_path_factory.mktemp("derive"), {"01-test": TEXT})
    assert built.warnings == ""
    return built.pages


@pytest.fixture
def read(visit: Callable[..., Any], small: Path) -> Iterator[Read]:
    """Open the page from its file; at the end nothing must have gone wrong."""
    opened = []

    def open_page(where: str = "", **options: Any) -> Any:
        opened.append(visit((small / "01-test.html").as_uri() + where, **options))
        return opened[-1]

    yield open_page
    for page in opened:
        assert page.problems == []


def shown(page: Any) -> list[str]:
    """The titles of the steps that can be seen."""
    steps = page.locator(".step")
    titles = [steps.nth(i).locator("strong") for i in range(steps.count())]
    return [title.text_content() for title in titles if title.is_visible()]


def test_one_step_after_another_and_none_out_of_reach(read: Read) -> None:
    page = read()
    back, next_ = (page.get_by_role("button", name=name) for name in ("Back", "Next"))
    status = page.locator(".derivation").get_by_role("status")
    assert shown(page) == ["One."]
    assert status.text_content() == "Step 1 of 3"
    back.click(force=True)
    assert shown(page) == ["One."]
    next_.click()
    assert shown(page) == ["Two."]
    assert status.text_content() == "Step 2 of 3"
    page.get_by_role("tab", name="Step 3").click()
    assert shown(page) == ["Three."]
    next_.click(force=True)
    assert shown(page) == ["Three."]
    back.click()
    assert shown(page) == ["Two."]
    page.get_by_role("button", name="All steps").click()
    assert shown(page) == ["One.", "Two.", "Three."]
    page.get_by_role("button", name="Step by step").click()
    assert shown(page) == ["Two."]


def test_the_page_does_not_jump_from_step_to_step(read: Read) -> None:
    page = read()
    block = page.locator(".derivation")
    before = block.bounding_box()
    page.get_by_role("button", name="Next").click()
    assert block.bounding_box() == before


def test_by_keyboard_alone(read: Read) -> None:
    page = read()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.role") == "tab":
            break
    page.keyboard.press("ArrowRight")
    assert shown(page) == ["Two."]
    page.keyboard.press("End")
    assert shown(page) == ["Three."]
    assert page.evaluate("document.activeElement.textContent") == "3"
    page.keyboard.press("Home")
    assert shown(page) == ["One."]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Next"
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    assert shown(page) == ["Three."]


def test_letters_begin_where_they_stood_and_end_where_they_stand(read: Read) -> None:
    page = read()
    before, rest = page.evaluate(PLACES, 1), page.evaluate(PLACES, 2)
    page.get_by_role("button", name="Next").click()
    assert page.evaluate(HOLD, 0) > 0
    begun = page.evaluate(PLACES, 2)
    assert [letter["text"] for letter in begun] == [letter["text"] for letter in rest]
    for letter in begun:  # the one η_i splits into two
        origin = next(one for one in before if one["text"] == letter["text"])
        assert (letter["x"], letter["y"]) == pytest.approx((origin["x"], origin["y"]), abs=1)
    page.evaluate(HOLD, 0.5)
    assert page.evaluate(PLACES, 2) not in (begun, rest)
    assert page.evaluate(OPACITY) < 0.5
    page.evaluate(FINISH)
    page.wait_for_function("!document.querySelector('.leaves')")
    assert page.evaluate(PLACES, 2) == rest
    assert page.locator(".step [style*='position']").count() == 0


def test_a_step_that_comes_too_early_ends_the_motion_of_the_one_before(read: Read) -> None:
    page = read()
    next_ = page.get_by_role("button", name="Next")
    next_.click()
    next_.click()
    assert shown(page) == ["Three."]
    assert page.locator(".leaves").count() == 1
    page.evaluate(FINISH)
    page.wait_for_function("!document.querySelector('.leaves')")
    assert page.locator(".step .equation:visible").count() == 1


def test_who_wants_no_motion_gets_none(read: Read) -> None:
    page = read(reduced_motion="reduce")
    page.get_by_role("button", name="Next").click()
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.locator(".leaves").count() == 0
    assert shown(page) == ["Two."]


def test_a_link_to_an_equation_leads_to_its_step(read: Read) -> None:
    page = read()
    page.get_by_role("link", name="(3)").first.click()
    page.wait_for_function("!document.querySelector('.leaves')")
    assert shown(page) == ["Three."]
    assert shown(read("#equation-eq-two")) == ["Two."]


@pytest.mark.parametrize("medium", ["no script", "paper"])
def test_without_a_script_and_on_paper_all_steps_follow_one_another(
    read: Read, medium: str
) -> None:
    page = read(java_script_enabled=medium != "no script")
    if medium == "paper":
        page.emulate_media(media="print")
    assert shown(page) == ["One.", "Two.", "Three."]
    tops = [page.locator(".step").nth(i).bounding_box() for i in range(3)]
    for above, below in itertools.pairwise(tops):
        assert above["y"] + above["height"] <= below["y"] + 1
    assert not page.get_by_role("button", name="Next").is_visible()


def test_the_way_to_a_hand_out_is_shown_at_the_top(read: Read) -> None:
    page = read()
    page.get_by_role("link", name="hand-out").click()
    assert page.get_by_role("button", name="hand-out").is_visible()


def test_axe_finds_nothing(read: Read, axe: str) -> None:
    page = read()
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(pages.AXE.format("'.derivation'"))
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], scheme


def test_nothing_sticks_out_on_a_narrow_screen(read: Read) -> None:
    page = read(viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
