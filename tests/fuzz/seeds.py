"""Where fuzzing begins: a few honest inputs of each kind and a few that once were, or could be, trouble."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping, Sequence


def _wheel() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bad-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n")
    return stream.getvalue()


SHA = "ab" * 32
ENTRY = f'{{"filename":"bad-1.0.tar.gz","url":"bad-1.0.tar.gz","hashes":{{"sha256":"{SHA}"}},"yanked":"<b>"}}'
CONF = b'[mirror]\ndirectory = "/srv"\n[select]\nprojects = ["six"]\n'

SEEDS: Mapping[str, Sequence[bytes]] = {
    "name": [b"six", b"Zope.Interface", b"a--b", b"..", b"-a", b"a\n", "\u212aelvin".encode(), b"\xed\xa0\x80", b""],
    "filename": [
        b"six-1.17.0-py2.py3-none-any.whl",
        b"foo-1.0-1-py3-none-any.whl",
        b"zope.interface-5.0.tar.gz",
        b"a-1.zip",
        b"foo-1!2.0+local.tar.gz",
        b"../x.whl",
        b"a/b-1.0.tar.gz",
        b"foo-01.0.tar.gz",
        b"{oA-.-.-0.tar.gz",
        b"a_b-1.0-py3-none-any.whl",
    ],
    "url": [
        b"https://example.org/x",
        b"http://[::1]:80/",
        b"https://a\\@b/",
        b"https://a@b/",
        b"http://2130706433/",
        b"https://EXAMPLE.org:443/%2e%2e/?a=b#c",
        b"http://a..b/",
        b"https://xn--a/",
        b"https://a:0/",
        b"//a/b",
    ],
    "reference": [
        b"../../packages/a.whl",
        b"file:///etc/passwd",
        b"//evil/x",
        b"https://[::1",
        b"a b",
        b"http:x",
        b"?a",
        b"",
        b"https:/evil",
        b"\x01https://a/",
        b"httP://a/",
    ],
    "header": [
        b"120\nx",
        b"Wed, 21 Oct 2015 07:28:00 GMT\n",
        b"-1\n",
        b"gzip\n" + gzip.compress(b"x" * 70_000),
        b"gzip\n" + gzip.compress(b"{}") * 2 + b"\0\0",
        b"text/html; charset=x\n<html>",
        b"Mon, 01 Jan 0001 00:00:00 -9999\n",
    ],
    "page-json": [
        f'{{"meta":{{"api-version":"1.0"}},"name":"bad","files":[{ENTRY}]}}'.encode(),
        b"{}",
        b'{"name":"bad","files":[1]}',
        b'{"name":"bad","files":[],"project-status":{"status":"\\u0000<script>","reason":"\\ud83d\\ude00"}}',
        f'{{"name":"bad","files":[{ENTRY},{ENTRY}],"meta":{{"_last-serial":"9","tracks":["https://a/<"]}}}}'.encode(),
    ],
    "page-html": [
        f'<html><title>Links for bad</title><a href="bad-1.0.tar.gz#sha256={SHA}" data-yanked="&lt;">x</a>'.encode()
        + b"</html>",
        b"<!DOCTYPE html><html><body><!--SERIAL 12--></body></html>",
        b"<a href=x",
        b"<base href='https://['>",
        b"<![x",
        f'<html><a href="a%20b-1.0.tar.gz#sha256={SHA}" data-requires-python="&#0;&#55296;">x</a></html>'.encode(),
    ],
    "list-json": [
        b'{"meta":{"api-version":"1.0"},"projects":[{"name":"a","_last-serial":1},{"name":"B_c"}]}',
        b'{"projects":[]}',
        b'{"projects":[{"name":"}],{"}, {"name":"a"},{"x":[{"name":"b"}]}]}',
        b'{"projects":[,]}',
        b'{"projects":[{}',
    ],
    "list-html": [
        b'<html><body><a href="a/">A</a><a href="b/">b</a></body></html><!--SERIAL 3-->',
        b"<a>",
        b"<a href='../'>",
    ],
    "wheel": [_wheel(), _wheel()[:-1], b"PK\x05\x06" + b"\xff" * 18, b""],
    "changelog": [
        b"<methodResponse><params><param><value><array><data></data></array></value></param></params></methodResponse>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    ],
    "requirements": [
        b"six==1.0 --hash=sha256:" + SHA.encode(),
        b"-r other.txt\n-c x\n",
        b"a\\\n b # c\n",
        b"--index-url x\n",
        b"-e .\n",
        b"a @ https://example.org/a.whl\n",
        b"a[b]>1;python_version<'3'\n",
        b"${A}\n",
        b"-",
        b"\xff\xfea\0",
    ],
    "pylock": [
        b'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "six"\nversion = "1.0"\n',
        b"lock-version = 1",
    ],
    "uv-lock": [
        b'version = 1\n[[package]]\nname = "six"\nversion = "1.0"\nsource = { registry = "x" }\n',
        b"version = 9",
    ],
    "poetry-lock": [b'[[package]]\nname = "six"\nversion = "1.0"\n[metadata]\nlock-version = "2.1"\n', b"[metadata]"],
    "pipfile-lock": [b'{"_meta":{"pipfile-spec":6},"default":{"six":{"version":"==1.0"}}}', b"{}"],
    "sbom": [
        b'{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"purl":"pkg:pypi/six@1.0"}]}',
        b"SPDXVersion: SPDX-2.3\nExternalRef: PACKAGE-MANAGER purl pkg:pypi/six@1.0\n",
        b"<bom xmlns='http://cyclonedx.org/schema/bom/1.5'><components/></bom>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
    ],
    "configuration": [
        CONF,
        b"[mirror]\ndirectory = /srv\nmaster = https://example.org\n[plugins]\nenabled = all\n",
        b"[mirror\n",
        b"[a]\nb\n",
        b"[mirror]\ndirectory = 1\n[x]\n",
        b"a = [" * 500,
        b"\xef\xbb\xbf[mirror]\n",
        b"[mirror]\n  x\n y\n",
        CONF + b"\0",
    ],
    "log-line": [
        b'1.2.3.4 - - [01/Jan/2026:00:00:00 +0000] "GET /packages/aa/bb/c/six-1.0.zip HTTP/1.1" 200 12 "-" "pip/24"',
        b'{"time":"2026-01-01T00:00:00Z","request":"GET / HTTP/1.1","status":200}',
        b'{"a":',
        b'\xff " \\x',
    ],
}
