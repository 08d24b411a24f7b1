import pytest

from harness.stack import Stack

DEMO = """
settings: {default_group: 售后}
skills: [英语]
groups:
  - {name: 售后, title: 售后服务}
  - {name: 物流, title: 物流组}
agents:
""" + "".join(
    f"  - {{name: a{i}, title: 客服{i}, groups: [{'售后' if i % 2 else '物流'}], skills: [英语], capacity: 40, duty: true}}\n"
    for i in range(10)) + """
rules:
  - {name: 物流, when: {any: [{text: {contains: [物流, 包裹, 快递, 派送]}}]}, set: {category: 物流, group: 物流}}
"""


@pytest.fixture(scope="module")
def stack():
    """Fault tests break servers: each file has a stack of its own."""
    running = Stack()
    try:
        yield running.up()
    finally:
        running.down()


@pytest.fixture
def shop(stack):
    """Whatever a test before has left dead is brought back first."""
    stack.up()
    return stack.tenant(DEMO)
