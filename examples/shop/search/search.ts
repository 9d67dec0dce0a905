// search: finds products by a part of their name, and learns new documents.
//   GET /search?q=TEXT&limit=N     hits, best first
//   GET /popular                   what was asked most
//   PUT /documents/SKU             body: the text to find it by
// AssemblyScript, one import. Flags come as integer constants (`asc --use NAME=NUMBER`).

// @ts-ignore: decorator
@inline const VERSION: i32 = isDefined(VERSION_NUMBER) ? VERSION_NUMBER : 0;
// @ts-ignore: decorator
@inline const FOLDS_CASE: bool = isDefined(FEATURE_FOLDS_CASE);
const MAX_DOCUMENTS: i32 = 5000;
const MAX_QUERIES: i32 = 500;

const documents = new Map<string, string>();
const asked = new Map<string, i32>();
documents.set("mug", "Stoneware mug, dishwasher safe, 0.3 l");
documents.set("lamp", "Reading lamp with a warm light and a brass arm");
documents.set("desk", "Oak desk, 140 x 70 cm, with a drawer");
documents.set("chair", "Desk chair in wool, height adjustable");
documents.set("notebook", "Dotted notebook, 192 pages, A5");
documents.set("pen", "Fineliner pen, black, 0.4 mm");
documents.set("rug", "Wool rug, hand woven, 170 x 240 cm");
documents.set("vase", "Glass vase, mouth blown, 25 cm");
documents.set("clock", "Wall clock without numbers, silent");
documents.set("shelf", "Book shelf in oak, five boards");
documents.set("plant", "Potted fern, likes shade and water");
documents.set("blanket", "Linen blanket, stone washed, 130 x 170 cm");

let requests: u32 = 0;
let reply_bytes: ArrayBuffer = new ArrayBuffer(0);

// @ts-ignore: decorator
@external("gaesup", "log") declare function host_log(level: i32, at: usize, length: i32): void;

function log(level: i32, line: string): void {
  const bytes = String.UTF8.encode(line);
  host_log(level, changetype<usize>(bytes), bytes.byteLength);
}

// ---- memory ----

export function gsu_abi(): i32 { return 1; }
export function gsu_alloc(n: i32): usize { return heap.alloc(n); }
export function gsu_free(p: usize, n: i32): void { heap.free(p); }

function text_at(p: usize, n: i32): string { return String.UTF8.decodeUnsafe(p, n); }

function range_of(bytes: ArrayBuffer): i64 {
  reply_bytes = bytes; // keeps it alive until the next call
  return (<i64>changetype<usize>(bytes) << 32) | bytes.byteLength;
}

// ---- replies ----

function reply(status: i32, json: string): i64 {
  return range_of(String.UTF8.encode(
    "Status: " + status.toString() + "\r\nContent-Type: application/json\r\n\r\n" + json + "\n"
  ));
}

function failed(status: i32, message: string): i64 {
  return reply(status, '{"error":' + quoted(message) + "}");
}

function quoted(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    out += c < 0x20 || c == 0x22 || c == 0x5c || (c >= 0x7f && c < 0xa0) ? "?" : text.charAt(i);
  }
  return out + '"';
}

// ---- query strings ----

function hex(c: i32): i32 {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

// "wool%20rug" and "wool+rug" both mean "wool rug"; what is not ASCII is kept as written.
function decoded(text: string): string {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c == 0x25 && i + 2 < text.length) {
      const code = hex(text.charCodeAt(i + 1)) * 16 + hex(text.charCodeAt(i + 2));
      if (code >= 0x20 && code < 0x7f) { out += String.fromCharCode(code); i += 2; continue; }
    }
    out += c == 0x2b ? " " : text.charAt(i);
  }
  return out;
}

function parameter(query: string, name: string): string {
  const pairs = query.split("&");
  for (let i = 0; i < pairs.length; i++)
    if (pairs[i].startsWith(name + "=")) return decoded(pairs[i].substring(name.length + 1));
  return "";
}

// ---- pages ----

// Earlier is better; -1 when it is not in the text.
function rank(text: string, wanted: string): i32 {
  return FOLDS_CASE ? text.toLowerCase().indexOf(wanted.toLowerCase()) : text.indexOf(wanted);
}

class Hit { constructor(public sku: string, public at: i32) {} }

function find(query: string): i64 {
  const wanted = parameter(query, "q");
  if (wanted.length == 0 || wanted.length > 64) return failed(400, "say what: /search?q=TEXT, up to 64 characters");
  const limit_text = parameter(query, "limit");
  const limit = limit_text.length > 0 ? <i32>parseInt(limit_text, 10) : 10;
  if (asked.has(wanted)) asked.set(wanted, asked.get(wanted) + 1);
  else if (asked.size < MAX_QUERIES) asked.set(wanted, 1);
  const hits: Hit[] = [];
  const skus = documents.keys();
  for (let i = 0; i < skus.length; i++) {
    const at = rank(documents.get(skus[i]), wanted);
    if (at >= 0) hits.push(new Hit(skus[i], at));
  }
  hits.sort((a, b) => a.at - b.at);
  let json = '{"query":' + quoted(wanted) + ',"found":' + hits.length.toString() + ',"hits":[';
  for (let i = 0; i < min(hits.length, limit); i++)
    json += (i ? "," : "") + '{"sku":' + quoted(hits[i].sku) + ',"text":' + quoted(documents.get(hits[i].sku)) + "}";
  return reply(200, json + "]}");
}

function popular(): i64 {
  const words = asked.keys();
  words.sort((a, b) => asked.get(b) - asked.get(a));
  let json = '{"popular":[';
  for (let i = 0; i < min(words.length, 5); i++)
    json += (i ? "," : "") + '{"query":' + quoted(words[i]) + ',"times":' + asked.get(words[i]).toString() + "}";
  return reply(200, json + "]}");
}

function learn(sku: string, text: string): i64 {
  if (text.length == 0 || text.length > 500) return failed(422, "the body is the text, 1 to 500 characters");
  if (!documents.has(sku) && documents.size >= MAX_DOCUMENTS) return failed(507, "no room for more documents");
  documents.set(sku, text);
  return reply(200, '{"sku":' + quoted(sku) + ',"documents":' + documents.size.toString() + "}");
}

function hello(): i64 {
  return reply(200, '{"unit":"search","version":"v' + VERSION.toString() + '","documents":' + documents.size.toString() + "}");
}

function route(method: string, path: string, query: string, body: string): i64 {
  if (path == "/" || path == "/hello") return hello();
  if (path == "/search") return method == "GET" ? find(query) : failed(405, "use GET");
  if (path == "/popular") return method == "GET" ? popular() : failed(405, "use GET");
  if (path.startsWith("/documents/") && path.length <= 75)
    return method == "PUT" ? learn(path.substring(11), body) : failed(405, "use PUT");
  return failed(404, "no such page");
}

// ---- lifecycle and requests ----

export function gsu_init(p: usize, n: i32): i32 {
  log(1, "search v" + VERSION.toString() + " started with " + documents.size.toString() + " documents");
  return 0;
}
export function gsu_health(): i32 { return 0; }
export function gsu_ready(): i32 {
  if (isDefined(FAULT_NOT_READY)) return 1;
  return documents.size > 0 ? 0 : 1;
}

function burn(): void {
  let x: u32 = requests;
  for (let i = 0; i < 40_000_000; i++) x = (x ^ (x << 13)) + i;
  requests = requests + (x & 0); // keeps the loop in the module
}

function crash(): void {
  log(3, "index is corrupt, giving up");
  unreachable();
}

function unreadable(): i64 {
  log(3, "the index cannot be read");
  return failed(500, "the index cannot be read");
}

export function gsu_handle(p: usize, n: i32): i64 {
  requests++;
  if (isDefined(FAULT_TRAP)) unreachable();
  if (isDefined(FAULT_CRASH_AFTER)) { if (requests > <u32>FAULT_CRASH_AFTER) crash(); }
  if (isDefined(FAULT_SLOW_EVERY)) { if (requests % <u32>FAULT_SLOW_EVERY == 0) burn(); }
  if (isDefined(FAULT_BAD_POINTER_EVERY)) { if (requests % <u32>FAULT_BAD_POINTER_EVERY == 0) return 0x7fffff00_00001000; }
  if (isDefined(FAULT_ERROR_EVERY)) { if (requests % <u32>FAULT_ERROR_EVERY == 0) return unreadable(); }
  let line = 0;
  while (line < n && load<u8>(p + line) != 13) line++;
  let body = n;
  for (let i = line; i + 4 <= n; i++) if (load<u32>(p + i) == 0x0a0d0a0d) { body = i + 4; break; }
  const words = text_at(p, line).split(" ");
  if (words.length < 2) return failed(400, "not a request");
  const mark = words[1].indexOf("?");
  const path = mark < 0 ? words[1] : words[1].substring(0, mark);
  return route(words[0], path, mark < 0 ? "" : words[1].substring(mark + 1), text_at(p + body, n - body));
}

// ---- hand-over between instances: (u32 klen, u32 vlen, key, value)* ----

export function gsu_snapshot(): i64 {
  const skus = documents.keys();
  let size = 0;
  for (let i = 0; i < skus.length; i++)
    size += 8 + String.UTF8.byteLength(skus[i]) + String.UTF8.byteLength(documents.get(skus[i]));
  const all = new ArrayBuffer(size);
  let at = changetype<usize>(all);
  for (let i = 0; i < skus.length; i++) {
    const key = String.UTF8.encode(skus[i]), value = String.UTF8.encode(documents.get(skus[i]));
    store<u32>(at, key.byteLength);
    store<u32>(at + 4, value.byteLength);
    memory.copy(at + 8, changetype<usize>(key), key.byteLength);
    memory.copy(at + 8 + key.byteLength, changetype<usize>(value), value.byteLength);
    at += 8 + key.byteLength + value.byteLength;
  }
  return range_of(all);
}

export function gsu_merge(p: usize, n: i32): i32 {
  const end = p + n;
  let count = 0;
  for (; p < end; count++) {
    if (end - p < 8) return -1;
    const key: usize = load<u32>(p), value: usize = load<u32>(p + 4);
    if (key > end - p - 8 || value > end - p - 8 - key) return -1;
    documents.set(text_at(p + 8, <i32>key), text_at(p + 8 + key, <i32>value));
    p += 8 + key + value;
  }
  return count;
}

// ---- performance cases ----

const FAN = 8, DEPTH = 4;
const counters = new StaticArray<u32>(4096);
const tree: StaticArray<i64>[] = [];
for (let d = 0, n = 1; d <= DEPTH; d++, n *= FAN) tree.push(new StaticArray<i64>(n));
const ballast = new Map<i32, ArrayBuffer>();

export function gsu_update(key: u32, delta: i64): i64 {
  const i = key & 4095;
  counters[i] += <u32>delta;
  return counters[i];
}

export function gsu_tree(leaf: u32, value: i64): i64 {
  let i: i32 = leaf % <u32>tree[DEPTH].length;
  tree[DEPTH][i] = value;
  for (let d = DEPTH - 1; d >= 0; d--) {
    i /= FAN;
    const children = tree[d + 1];
    let sum: i64 = 0;
    for (let c = 0; c < FAN; c++) sum += unchecked(children[i * FAN + c]);
    tree[d][i] = sum;
  }
  return tree[0][0];
}

export function gsu_pressure(i: i32): i64 {
  const value = new ArrayBuffer(64);
  memory.fill(changetype<usize>(value), 120, 64);
  ballast.set(i, value);
  return ballast.size;
}

export function gsu_batch(op: i32, n: u32, seed: u32): i64 {
  let last: i64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    if (op == 0) last = gsu_update(seed + i, 1);
    else if (op == 1) last = gsu_tree(seed + i * 2654435761, i);
    else if (op == 3) last = gsu_pressure(seed + i);
    else return -1;
  }
  return last;
}
