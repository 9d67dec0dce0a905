//! checkout: turns a cart's total into a paid order.
//!   GET  /quote?total_cents=N       shipping and tax for a total
//!   POST /orders                    {"cart": "7", "total_cents": 5625} opens an order; with a card it is paid
//!   POST /orders/ID/pay             {"card": "4111111111111111"}; cards ending in 0000 are declined
//!   GET  /orders/ID                 one order
//! Config: currency. Plain rustc, no crates. Version and faults come as environment variables at build time.
use std::collections::VecDeque;
use std::fmt::Write;

const fn number(text: Option<&str>) -> u64 {
    let text = match text { Some(text) => text, None => return 0 };
    let (digits, mut n, mut i) = (text.as_bytes(), 0, 0);
    while i < digits.len() {
        n = n * 10 + (digits[i] - b'0') as u64;
        i += 1;
    }
    n
}

// Whether this is the turn of a fault that comes every so many requests; never where that is 0.
fn turn(requests: u64, every: u64) -> bool {
    requests.checked_rem(every) == Some(0)
}

const VERSION: &str = env!("UNIT_VERSION");
const FREE_SHIPPING_FROM_CENTS: u64 = number(option_env!("FREE_SHIPPING_FROM_CENTS"));
const ERROR_EVERY: u64 = number(option_env!("FAULT_ERROR_EVERY"));
const SLOW_EVERY: u64 = number(option_env!("FAULT_SLOW_EVERY"));
const CRASH_AFTER: u64 = number(option_env!("FAULT_CRASH_AFTER"));
const TRAPS: bool = option_env!("FAULT_TRAP").is_some();
const NOT_READY: bool = option_env!("FAULT_NOT_READY").is_some();
const LEAK_BYTES: u64 = number(option_env!("FAULT_LEAK_BYTES"));
const MAX_ORDERS: usize = 5000;
const MAX_TOTAL_CENTS: u64 = 100_000_00;

struct Order {
    cart: String,
    total_cents: u64,
    paid: bool,
}

#[derive(Default)]
struct Unit {
    orders: VecDeque<Order>, // the newest ones, in order of their ids
    last_order: u64,
    requests: u64,
    currency: String, // from the revision's config
    reply: Vec<u8>,
    leaked: Vec<Vec<u8>>,
    counters: Vec<u32>,
    tree: Vec<Vec<i64>>,
    ballast: Vec<[u8; 64]>,
}

type Answer = (u16, String);

#[link(wasm_import_module = "gaesup")]
extern "C" {
    #[link_name = "log"]
    fn host_log(level: i32, at: *const u8, length: usize);
}

const INFO: i32 = 1;
const WARN: i32 = 2;
const ERROR: i32 = 3;

fn log(level: i32, line: &str) {
    unsafe { host_log(level, line.as_ptr(), line.len()) }
}

// ---- reading ----

fn failed(status: u16, message: &str) -> Answer {
    (status, format!("{{\"error\":\"{message}\"}}"))
}

fn json_value<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\""))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

fn json_string<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (text, _) = json_value(json, name)?.strip_prefix('"')?.split_once('"')?;
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-').then_some(text)
}

fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

// ---- pages ----

fn shipping_cents(total_cents: u64) -> u64 {
    let free = FREE_SHIPPING_FROM_CENTS > 0 && total_cents >= FREE_SHIPPING_FROM_CENTS;
    if free { 0 } else { 590 }
}

fn quote(query: &str, currency: &str) -> Answer {
    let total = query.split('&').find_map(|pair| pair.strip_prefix("total_cents="));
    let total = match total.and_then(leading_number).filter(|n| *n <= MAX_TOTAL_CENTS) {
        Some(total) => total,
        _ => return failed(400, "say how much: /quote?total_cents=N"),
    };
    let shipping = shipping_cents(total);
    let tax = (total + shipping) * 19 / 119;
    (200, format!("{{\"total_cents\":{total},\"shipping_cents\":{shipping},\"tax_cents\":{tax},\"to_pay_cents\":{},\"currency\":\"{currency}\"}}", total + shipping))
}

impl Unit {
    fn position(&self, id: u64) -> Option<usize> {
        let oldest = self.last_order + 1 - self.orders.len() as u64;
        id.checked_sub(oldest).map(|at| at as usize)
    }

    fn show(&self, id: u64) -> Answer {
        match self.position(id).and_then(|at| self.orders.get(at)) {
            None => failed(404, "no such order"),
            Some(order) => (200, order_json(id, order)),
        }
    }

    fn open(&mut self, body: &str) -> Answer {
        let cart = match json_string(body, "cart") { Some(cart) => cart, None => return failed(400, "say which: a cart id") };
        let total = json_value(body, "total_cents").and_then(leading_number);
        let total_cents = match total.filter(|n| *n > 0 && *n <= MAX_TOTAL_CENTS) {
            Some(total_cents) => total_cents,
            _ => return failed(422, "total_cents must be above 0 and at most 10000000"),
        };
        if json_string(body, "card").map_or(false, declined) {
            return failed(402, "the card was declined");
        }
        if self.orders.len() >= MAX_ORDERS {
            self.orders.pop_front(); // the oldest goes, so that a long run never fills memory
        }
        self.last_order += 1;
        let total_cents = total_cents + shipping_cents(total_cents);
        let paid = json_string(body, "card").is_some();
        let order = Order { cart: cart.to_string(), total_cents, paid };
        let json = order_json(self.last_order, &order);
        self.orders.push_back(order);
        (201, json)
    }

    fn pay(&mut self, id: u64, body: &str) -> Answer {
        let card = match json_string(body, "card") { Some(card) => card, None => return failed(400, "say with what: a card") };
        match self.position(id).and_then(|at| self.orders.get_mut(at)) {
            None => failed(404, "no such order"),
            Some(order) if order.paid => failed(409, "paid already"),
            Some(_) if declined(card) => failed(402, "the card was declined"),
            Some(order) => {
                order.paid = true;
                (200, order_json(id, order))
            }
        }
    }

    fn hello(&self) -> Answer {
        (200, format!("{{\"unit\":\"checkout\",\"version\":\"{VERSION}\",\"orders\":{}}}", self.orders.len()))
    }

    fn route(&mut self, method: &str, path: &str, query: &str, body: &str) -> Answer {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let id = parts.get(1).and_then(|id| id.strip_prefix("o-")).and_then(leading_number);
        match (method, parts.as_slice()) {
            (_, [] | ["hello"]) => self.hello(),
            ("GET", ["quote"]) => quote(query, &self.currency),
            ("POST", ["orders"]) => self.open(body),
            ("GET", ["orders", _]) => self.show(id.unwrap_or(0)),
            ("POST", ["orders", _, "pay"]) => self.pay(id.unwrap_or(0), body),
            (_, ["quote"] | ["orders", ..]) => failed(405, "that method is not for this page"),
            _ => failed(404, "no such page"),
        }
    }

    fn fault_before(&mut self) -> Option<Answer> {
        self.requests += 1;
        if TRAPS {
            std::process::abort();
        }
        if CRASH_AFTER > 0 && self.requests > CRASH_AFTER {
            log(ERROR, "the ledger is corrupt, giving up");
            std::process::abort();
        }
        if LEAK_BYTES > 0 {
            self.leaked.push(vec![1; LEAK_BYTES as usize]);
            if self.leaked.len() % 100 == 0 {
                log(WARN, &format!("receipts kept: {}", self.leaked.len()));
            }
        }
        if turn(self.requests, SLOW_EVERY) {
            burn();
        }
        let broken = turn(self.requests, ERROR_EVERY);
        broken.then(|| {
            log(ERROR, "the payment gateway did not answer");
            failed(502, "the payment gateway did not answer")
        })
    }

    fn handle(&mut self, raw: &[u8]) -> Answer {
        if let Some(answer) = self.fault_before() {
            return answer;
        }
        let text = match std::str::from_utf8(raw) { Ok(text) => text, Err(_) => return failed(400, "not UTF-8") };
        let (head, body) = match text.split_once("\r\n\r\n") { Some((head, body)) => (head, body), None => return failed(400, "not a request") };
        let mut words = head.lines().next().unwrap_or("").split(' ');
        let (method, target) = match (words.next(), words.next()) {
            (Some(method), Some(target)) => (method, target),
            _ => return failed(400, "not a request"),
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.route(method, path, query, body)
    }
}

fn declined(card: &str) -> bool {
    card.ends_with("0000")
}

fn order_json(id: u64, order: &Order) -> String {
    let (cart, total, paid) = (&order.cart, order.total_cents, order.paid);
    format!("{{\"order\":\"o-{id}\",\"cart\":\"{cart}\",\"to_pay_cents\":{total},\"paid\":{paid},\"version\":\"{VERSION}\"}}")
}

fn burn() {
    let mut x = 1u32;
    for i in 0..40_000_000u32 {
        x = unsafe { std::ptr::read_volatile(&(x ^ i)) };
    }
}

// ---- the ABI ----

static mut UNIT: Option<Unit> = None;

// The host never enters an instance twice at once, so one reference lives at a time.
fn unit() -> &'static mut Unit {
    unsafe { (*std::ptr::addr_of_mut!(UNIT)).get_or_insert_with(Unit::default) }
}

fn range_of(bytes: &[u8]) -> i64 {
    ((bytes.as_ptr() as usize as i64) << 32) | bytes.len() as i64
}

#[no_mangle]
pub extern "C" fn gsu_abi() -> i32 {
    1
}

#[no_mangle]
pub extern "C" fn gsu_alloc(n: u32) -> *mut u8 {
    std::mem::ManuallyDrop::new(Vec::with_capacity(n.max(1) as usize)).as_mut_ptr()
}

/// # Safety
/// `p` came from `gsu_alloc(n)` and is not used again.
#[no_mangle]
pub unsafe extern "C" fn gsu_free(p: *mut u8, n: u32) {
    drop(Vec::from_raw_parts(p, 0, n.max(1) as usize));
}

/// # Safety
/// `config` and `n` name bytes the host has written.
#[no_mangle]
pub unsafe extern "C" fn gsu_init(config: *const u8, n: u32) -> i32 {
    let config = std::str::from_utf8(std::slice::from_raw_parts(config, n as usize));
    let wanted = config.ok().and_then(|json| json_string(json, "currency"));
    unit().currency = wanted.unwrap_or("EUR").to_string();
    log(INFO, concat!("checkout ", env!("UNIT_VERSION"), " started"));
    0
}

#[no_mangle]
pub extern "C" fn gsu_health() -> i32 {
    0
}

#[no_mangle]
pub extern "C" fn gsu_ready() -> i32 {
    i32::from(NOT_READY)
}

/// # Safety
/// `p` and `n` name bytes the host has written.
#[no_mangle]
pub unsafe extern "C" fn gsu_handle(p: *const u8, n: u32) -> i64 {
    let unit = unit();
    let (status, json) = unit.handle(std::slice::from_raw_parts(p, n as usize));
    let mut text = String::with_capacity(json.len() + 64);
    let _ = write!(text, "Status: {status}\r\nContent-Type: application/json\r\n\r\n{json}\n");
    unit.reply = text.into_bytes();
    range_of(&unit.reply)
}

// ---- performance cases ----

#[no_mangle]
pub extern "C" fn gsu_update(key: u32, delta: i64) -> i64 {
    let counters = &mut unit().counters;
    counters.resize(4096, 0);
    let counter = &mut counters[(key & 4095) as usize];
    *counter = counter.wrapping_add(delta as u32);
    *counter as i64
}

#[no_mangle]
pub extern "C" fn gsu_tree(leaf: u32, value: i64) -> i64 {
    let tree = &mut unit().tree;
    if tree.is_empty() {
        *tree = (0..=4).map(|depth| vec![0; 8usize.pow(depth)]).collect();
    }
    let mut i = leaf as usize % 4096;
    tree[4][i] = value;
    for depth in (0..4).rev() {
        i /= 8;
        tree[depth][i] = tree[depth + 1][i * 8..(i + 1) * 8].iter().sum();
    }
    tree[0][0]
}

#[no_mangle]
pub extern "C" fn gsu_pressure(_i: u32) -> i64 {
    let ballast = &mut unit().ballast;
    ballast.push([b'x'; 64]);
    ballast.len() as i64
}

#[no_mangle]
pub extern "C" fn gsu_batch(op: i32, n: u32, seed: u32) -> i64 {
    (0..n).fold(0, |_, i| match op {
        0 => gsu_update(seed.wrapping_add(i), 1),
        1 => gsu_tree(seed.wrapping_add(i.wrapping_mul(2654435761)), i64::from(i)),
        3 => gsu_pressure(seed.wrapping_add(i)),
        _ => -1,
    })
}
