"""Example files below `tests/data` (JSON lines), which tests score as a whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"
# The articles for the questions of listed.jsonl and spelling.jsonl.
ARTICLES = {
    "ferry.txt": """Lund Lines Grows

The ferry company Lund Lines sails to Norland, Suderland and Estmark.
It bought two ferries, the Aurora and the Borealis, last spring.
Fares rose by 3 percent in May, the company said.
""",
    "flood.txt": """Floods In The South

Halden and Vire were flooded on Sunday after two days of rain.
Skarvik was flooded on Monday, when the river Vann burst its banks.
Mayor Olga Prest of Drangen said her city stayed dry.
""",
    "dairy.txt": """Orvik Foods Opens A Plant

Orvik Foods makes cheese, butter and yoghurt at its plant.
It competes with Brask Dairy and Tandem Milk in Norland.
The plant employs 300 people.
""",
    "loan.txt": """Brask Dairy Borrows For A New Mill

The Bank of Vire lent 4 million euros to Brask Dairy in March.
Halden Savings also lent money to Brask Dairy, the company said in its report.
""",
    "choir.txt": """A Choir Turns Fifty

Ana Ruiz and Karl Voss founded the Skarvik choir in 1974.
Lena Holm led the Skarvik choir until 2001.
Greta Solheim has led the Skarvik choir since then.
Karl Voss plays the violin and the oboe.
""",
    "island.txt": """The Wildlife Of Fenn Island

Seals, puffins and otters live on Fenn island.
Visitors come by boat in summer.
""",
    "games.txt": """Norland Wins Two Medals

Mira Dahl won a gold medal for Norland in the sprint.
Jon Berg won a silver medal for Norland in the high jump.
The games ended on Sunday.
""",
    "dye.txt": """Red Dye Banned

Norland banned the dye in sweets on 3 May 2024.
Estmark banned the dye a year later.
""",
}


def records(name: str) -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in (_DATA / name).read_text(encoding="utf-8").splitlines()]


def words(text: str) -> list[str]:
    """The words of a text in lower case without punctuation, for comparison."""
    return re.findall(r"\w+", text.lower())
