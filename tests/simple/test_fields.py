"""Core metadata as fields with values, out of METADATA files and PyPI's older JSON."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.simple.fields import from_info, from_metadata
from bandersnatch.simple.metadata import info

TEXT = """\
Metadata-Version: 2.4
Name: Weather
Version: 1.0
Summary: Örtliches Wetter
Keywords: weather, station ,,tides
Home-page: UNKNOWN
Author: A
Author: B
License-Expression: MIT OR Apache-2.0
License-File: LICENSE
License-File: vendor/LICENSE
Classifier: Topic :: Internet
classifier: License :: OSI Approved
Platform: any
Project-URL: Docs, https://example.org/docs
Project-URL: Code, https://example.org/code
Requires-Dist: barometer>=2
Provides-Extra: usb
Import-Name: weather
X-Odd: yes

The description.
""".encode()

FIELDS = {
    "metadata-version": ("2.4",),
    "name": ("Weather",),
    "version": ("1.0",),
    "summary": ("Örtliches Wetter",),
    "keywords": ("weather", "station", "tides"),
    "author": ("A", "B"),
    "license-expression": ("MIT OR Apache-2.0",),
    "license-file": ("LICENSE", "vendor/LICENSE"),
    "classifier": ("Topic :: Internet", "License :: OSI Approved"),
    "platform": ("any",),
    "project-url": ("Docs, https://example.org/docs", "Code, https://example.org/code"),
    "requires-dist": ("barometer>=2",),
    "provides-extra": ("usb",),
    "import-name": ("weather",),
    "x-odd": ("yes",),
    "description": ("The description.",),
}


def test_a_metadata_file() -> None:
    """Every field has all its values; what is empty or UNKNOWN is not there."""
    assert from_metadata(TEXT) == FIELDS


def test_an_old_metadata_file() -> None:
    """Version 1.0 has neither lists nor a body; bytes that are not UTF-8 lose nothing else."""
    text = b"Metadata-Version: 1.0\nName: old\nLicense: GPL\nKeywords: a,b\nAuthor: \xff\nProject-URL: no comma\n"
    fields = from_metadata(text)
    assert fields["license"] == ("GPL",)
    assert fields["keywords"] == ("a", "b")
    assert fields["project-url"]


def test_older_json() -> None:
    """The keys of ``info`` become fields, what is no metadata is left out, and odd types are as if not said."""
    fields = from_info(
        {
            "author": "A",
            "classifiers": ["Topic :: Internet", 3],
            "description": "",
            "downloads": {"last_day": -1},
            "home_page": "UNKNOWN",
            "keywords": "a,b",
            "license_expression": "MIT",
            "package_url": "http://127.0.0.1/project/weather/",
            "project_url": "http://127.0.0.1/project/weather/",
            "project_urls": {"Docs": "https://example.org/docs", "Odd": None},
            "requires_dist": None,
            "requires_python": ">=3.9",
            "yanked": False,
        }
    )
    assert fields == {
        "author": ("A",),
        "classifier": ("Topic :: Internet",),
        "keywords": ("a", "b"),
        "license-expression": ("MIT",),
        "project-url": ("Docs, https://example.org/docs",),
        "requires-python": (">=3.9",),
    }


def test_both_forms_agree() -> None:
    """What a file and the older JSON both have is the same, so that a rule judges by either alike."""
    once = TEXT.replace(b"Author: B\n", b"")
    direct, by_json = from_metadata(once), from_info(info(once))
    assert by_json == {name: direct[name] for name in by_json}
    assert set(direct) - set(by_json) == {"metadata-version", "name", "version", "import-name", "x-odd"}


@given(
    st.binary(max_size=300)
    | st.builds(
        lambda a, b: a + b": " + b + b"\n",
        st.sampled_from([b"Name", b"Keywords", b"Project-URL"]),
        st.binary(max_size=60),
    )
)
def test_any_bytes(data: bytes) -> None:
    """Whatever bytes come, what comes of them are fields with values."""
    for name, values in from_metadata(data).items():
        assert name == name.lower()
        assert values
        assert all(value == value.strip() and value for value in values)
