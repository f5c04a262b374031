// The notebook's briefing as a Word document. It is made in the browser, so the notes never leave it except as this file.
//
//     docx(title, notes) -> Blob
//
// A .docx is a zip of XML files (ECMA-376). The texts are untrusted: XML is built as a tree, which escapes them, and the
// only addresses are those of the articles.

import { webAddress } from "./dom.js";

const FORMAT = "application/vnd.openxmlformats-officedocument.wordprocessingml";
const W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
// oxlint-disable-next-line no-control-regex -- these are meant
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g; // characters that XML does not allow

export function docx(title, notes) {
  const links = [];
  const link = (url) => {
    links.push(url);
    return w("hyperlink", { "r:id": `l${links.length}` }, run("Original article", { color: "1F646C", u: "single" }));
  };
  const body = notes.flatMap(({ question, blocks, quotes }) => [
    paragraph("Heading1", run(question)),
    ...blocks.flatMap(({ words, items }) => items?.map((one) => paragraph("ListBullet", run(one))) ?? [paragraph("", run(words))]),
    ...quotes.flatMap(({ label, quote, from, url }) => [
      paragraph("Quote", run(`[${label}] `, { b: "1" }), run(`“${quote}”`)),
      paragraph("Source", run(webAddress(url) ? `${from} ` : from), ...(webAddress(url) ? [link(url)] : [])),
    ]),
  ]);
  const styles = [
    style("Title", { b: "1", sz: "40" }), style("Heading1", { b: "1", sz: "26" }, { before: "320", after: "80" }),
    bullets(), style("Quote", {}, { before: "80" }, "360"), style("Source", { color: "52616B", sz: "18" }, { after: "80" }, "360"),
  ];
  return zip({
    "[Content_Types].xml": types(),
    "_rels/.rels": relations([{ Id: "d", Type: `${R}/officeDocument`, Target: "word/document.xml" }]),
    "word/document.xml": xml(w("document", {}, w("body", {}, paragraph("Title", run(title)), ...body))),
    "word/styles.xml": xml(w("styles", {}, ...styles)),
    "word/numbering.xml": xml(w("numbering", {}, bullet(), w("num", { "w:numId": "1" }, w("abstractNumId", { "w:val": "0" })))),
    "word/_rels/document.xml.rels": relations([
      { Id: "s", Type: `${R}/styles`, Target: "styles.xml" },
      { Id: "n", Type: `${R}/numbering`, Target: "numbering.xml" },
      ...links.map((url, i) => ({ Id: `l${i + 1}`, Type: `${R}/hyperlink`, Target: url, TargetMode: "External" })),
    ]),
  });
}

// ---- XML

function node(namespace, name, attributes, ...children) {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("w:")) made.setAttributeNS(W, key, value);
    else if (key.startsWith("r:")) made.setAttributeNS(R, key, value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const xml = (root) => `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${new XMLSerializer().serializeToString(root)}`;
const w = (name, attributes, ...children) => node(W, `w:${name}`, attributes, ...children);
// Word requires the properties of a run in the order of the schema: b, color, sz, u.
const values = (given) => Object.entries(given).map(([name, value]) => w(name, { "w:val": value }));

function run(text, look = {}) {
  const words = w("t", {}, text.replace(NO_XML, " "));
  words.setAttributeNS("http://www.w3.org/XML/1998/namespace", "xml:space", "preserve");
  return w("r", {}, w("rPr", {}, ...values(look)), words);
}

const paragraph = (name, ...runs) => w("p", {}, ...(name ? [w("pPr", {}, w("pStyle", { "w:val": name }))] : []), ...runs);

function style(name, look, space = {}, indent = "0") {
  const spacing = Object.fromEntries(Object.entries(space).map(([side, twips]) => [`w:${side}`, twips]));
  return w("style", { "w:type": "paragraph", "w:styleId": name }, w("name", { "w:val": name === "Heading1" ? "heading 1" : name }),
    w("pPr", {}, w("spacing", spacing), w("ind", { "w:left": indent })), w("rPr", {}, ...values(look)));
}

// The style of a list item, and the list definition with its bullet.
const bullets = () => w("style", { "w:type": "paragraph", "w:styleId": "ListBullet" }, w("name", { "w:val": "List Bullet" }),
  w("pPr", {}, w("numPr", {}, w("numId", { "w:val": "1" })), w("spacing", { "w:after": "60" })));
const bullet = () => w("abstractNum", { "w:abstractNumId": "0" }, w("lvl", { "w:ilvl": "0" }, ...values({ start: "1", numFmt: "bullet", lvlText: "•" }),
  w("pPr", {}, w("ind", { "w:left": "360", "w:hanging": "360" }))));

function relations(all) {
  const space = `${PACKAGE}/relationships`;
  return xml(node(space, "Relationships", {}, ...all.map((one) => node(space, "Relationship", one))));
}

function types() {
  const space = `${PACKAGE}/content-types`;
  const part = (name, kind) => node(space, "Override", { PartName: `/word/${name}.xml`, ContentType: `${FORMAT}.${kind}+xml` });
  return xml(node(space, "Types", {},
    node(space, "Default", { Extension: "rels", ContentType: "application/vnd.openxmlformats-package.relationships+xml" }),
    node(space, "Default", { Extension: "xml", ContentType: "application/xml" }),
    part("document", "document.main"), part("styles", "styles"), part("numbering", "numbering")));
}

// ---- the zip, with uncompressed files

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});
const checksum = (bytes) => ~bytes.reduce((sum, byte) => TABLE[(sum ^ byte) & 255] ^ (sum >>> 8), -1) >>> 0;

// Little-endian: 2 bytes for a number in an array, 4 for any other.
function packed(...numbers) {
  return Uint8Array.from(numbers.flatMap((n) => (Array.isArray(n) ? [n[0], n[0] >>> 8] : [n, n >>> 8, n >>> 16, n >>> 24])));
}

function zip(files) {
  const utf8 = new TextEncoder();
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const [path, bytes] = [utf8.encode(name), utf8.encode(text)];
    // needs version 2.0; names in UTF-8; stored; 1 January 1980
    const told = packed([20], [0x800], [0], [0], [33], checksum(bytes), bytes.length, bytes.length, [path.length], [0]);
    parts.push(packed(0x04034b50), told, path, bytes);
    directory.push(packed(0x02014b50, [20]), told, packed([0], [0], [0], 0, at), path);
    at += 4 + told.length + path.length + bytes.length;
  }
  const size = directory.reduce((sum, one) => sum + one.length, 0);
  const count = [Object.keys(files).length];
  return new Blob([...parts, ...directory, packed(0x06054b50, [0], [0], count, count, size, at, [0])], { type: `${FORMAT}.document` });
}
