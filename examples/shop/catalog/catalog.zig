//! catalog: what the shop sells, with stock that sells out and comes back.
//!   GET  /products?limit=N&from=N   a page of products
//!   GET  /products/SKU              one product
//!   POST /products/SKU/reserve      takes one from stock, 409 when none is left
//!   POST /products/SKU/restock      puts ten back
//! Config: currency, three letters. wasm32-freestanding, one import. Version and faults come as a module of constants, `options`.
const std = @import("std");
const options = @import("options");

fn option(comptime name: []const u8, comptime otherwise: anytype) @TypeOf(otherwise) {
    return if (@hasDecl(options, name)) @field(options, name) else otherwise;
}

const version = option("version", @as([]const u8, "dev"));
const shows_delivery = option("shows_delivery", false);
const init_traps = option("fault_init_traps", false);
const unhealthy_after = option("fault_unhealthy_after", @as(u32, 0));
const spin_every = option("fault_spin_every", @as(u32, 0));
const garbage_every = option("fault_garbage_every", @as(u32, 0));
const error_every = option("fault_error_every", @as(u32, 0));
const slow_every = option("fault_slow_every", @as(u32, 0));
const crash_after = option("fault_crash_after", @as(u32, 0));
const always_traps = option("fault_trap", false);
const not_ready = option("fault_not_ready", false);

const Product = struct { sku: []const u8, name: []const u8, price_cents: u32, stock: u32 };

var products = [_]Product{
    .{ .sku = "mug", .name = "Stoneware mug", .price_cents = 1250, .stock = 400 },
    .{ .sku = "lamp", .name = "Reading lamp", .price_cents = 4900, .stock = 120 },
    .{ .sku = "desk", .name = "Oak desk", .price_cents = 32900, .stock = 15 },
    .{ .sku = "chair", .name = "Desk chair", .price_cents = 18900, .stock = 40 },
    .{ .sku = "notebook", .name = "Dotted notebook", .price_cents = 690, .stock = 900 },
    .{ .sku = "pen", .name = "Fineliner pen", .price_cents = 240, .stock = 2000 },
    .{ .sku = "rug", .name = "Wool rug", .price_cents = 12900, .stock = 30 },
    .{ .sku = "vase", .name = "Glass vase", .price_cents = 3450, .stock = 80 },
    .{ .sku = "clock", .name = "Wall clock", .price_cents = 5900, .stock = 60 },
    .{ .sku = "shelf", .name = "Book shelf", .price_cents = 7900, .stock = 35 },
    .{ .sku = "plant", .name = "Potted fern", .price_cents = 1990, .stock = 150 },
    .{ .sku = "blanket", .name = "Linen blanket", .price_cents = 4450, .stock = 70 },
};

extern "gaesup" fn log(level: i32, at: [*]const u8, length: usize) void;

const Level = enum(i32) { debug, info, warn, err };

fn say(level: Level, line: []const u8) void {
    log(@intFromEnum(level), line.ptr, line.len);
}

var currency = [_]u8{ 'E', 'U', 'R' }; // from the revision's config

// ---- memory ----

const heap = std.heap.wasm_allocator;

export fn gsu_abi() i32 {
    return 1;
}

export fn gsu_alloc(n: usize) ?[*]u8 {
    return (heap.alloc(u8, @max(n, 1)) catch return null).ptr;
}

export fn gsu_free(p: [*]u8, n: usize) void {
    heap.free(p[0..@max(n, 1)]);
}

// ---- replies: body first, the head written right before it ----

const head_room = 96;
var buffer: [32 * 1024]u8 = undefined;
var used: usize = head_room;

fn put(comptime format: []const u8, values: anytype) void {
    const written = std.fmt.bufPrint(buffer[used..], format, values) catch unreachable;
    used += written.len;
}

fn packed_range(start: usize, end: usize) i64 {
    const at: u64 = @intFromPtr(&buffer) + start;
    return @bitCast((at << 32) | (end - start));
}

fn reply(status: u16, content_type: []const u8) i64 {
    var head: [head_room]u8 = undefined;
    const text = std.fmt.bufPrint(&head, "Status: {d}\r\nContent-Type: {s}\r\n\r\n", .{ status, content_type }) catch unreachable;
    const start = head_room - text.len;
    @memcpy(buffer[start..head_room], text);
    const end = used;
    used = head_room;
    return packed_range(start, end);
}

fn json(status: u16) i64 {
    return reply(status, "application/json");
}

fn failed(status: u16, message: []const u8) i64 {
    put("{{\"error\":\"{s}\"}}\n", .{message});
    return json(status);
}

// ---- pages ----

fn put_product(product: *const Product) void {
    put("{{\"sku\":\"{s}\",\"name\":\"{s}\",\"price_cents\":{d},\"stock\":{d}", .{ product.sku, product.name, product.price_cents, product.stock });
    if (shows_delivery) put(",\"delivery_days\":{d}", .{@as(u32, if (product.stock == 0) 14 else 2)});
    put("}}", .{});
}

fn number(query: []const u8, name: []const u8, otherwise: usize) usize {
    var pairs = std.mem.tokenizeScalar(u8, query, '&');
    while (pairs.next()) |pair| {
        const equals = std.mem.indexOfScalar(u8, pair, '=') orelse continue;
        if (!std.mem.eql(u8, pair[0..equals], name)) continue;
        return std.fmt.parseInt(u16, pair[equals + 1 ..], 10) catch otherwise;
    }
    return otherwise;
}

fn list(query: []const u8) i64 {
    const from = @min(number(query, "from", 0), products.len);
    const to = @min(from + @min(number(query, "limit", products.len), products.len), products.len);
    put("{{\"products\":[", .{});
    for (products[from..to], 0..) |*product, i| {
        if (i > 0) put(",", .{});
        put_product(product);
    }
    put("],\"total\":{d},\"currency\":\"{s}\",\"version\":\"{s}\"}}\n", .{ products.len, &currency, version });
    return json(200);
}

fn one(product: *const Product) i64 {
    put_product(product);
    put("\n", .{});
    return json(200);
}

fn change(product: *Product, action: []const u8) i64 {
    if (std.mem.eql(u8, action, "restock")) {
        product.stock = @min(product.stock + 10, 100_000);
        return one(product);
    }
    if (!std.mem.eql(u8, action, "reserve")) return failed(404, "no such page");
    if (product.stock == 0) {
        say(.warn, "a product is sold out");
        return failed(409, "sold out");
    }
    product.stock -= 1;
    return one(product);
}

fn hello() i64 {
    put("{{\"unit\":\"catalog\",\"version\":\"{s}\",\"products\":{d}}}\n", .{ version, products.len });
    return json(200);
}

fn route(method: []const u8, path: []const u8, query: []const u8) i64 {
    var parts = std.mem.tokenizeScalar(u8, path, '/');
    const first = parts.next() orelse return hello();
    if (std.mem.eql(u8, first, "hello")) return hello();
    if (!std.mem.eql(u8, first, "products")) return failed(404, "no such page");
    const get = std.mem.eql(u8, method, "GET");
    const sku = parts.next() orelse return if (get) list(query) else failed(405, "use GET");
    for (&products) |*product| {
        if (!std.mem.eql(u8, product.sku, sku)) continue;
        const action = parts.next() orelse return if (get) one(product) else failed(405, "use GET");
        return if (std.mem.eql(u8, method, "POST")) change(product, action) else failed(405, "use POST");
    }
    return failed(404, "no such product");
}

// ---- lifecycle and requests ----

var requests: u32 = 0;

export fn gsu_init(p: [*]const u8, n: usize) i32 {
    const key = "\"currency\":\"";
    const config = p[0..n];
    if (std.mem.indexOf(u8, config, key)) |at| {
        const letters = config[at + key.len ..];
        const three = letters.len > 3 and letters[3] == '"';
        if (three) for (letters[0..3], &currency) |from, *to| {
            to.* = if (std.ascii.isAlphabetic(from)) std.ascii.toUpper(from) else 'X';
        };
    }
    if (init_traps) {
        say(.err, "the product table does not load");
        @trap();
    }
    say(.info, "catalog " ++ version ++ " started");
    return 0;
}

/// Unhealthy after a number of requests: what a health probe is there to notice.
export fn gsu_health() i32 {
    if (unhealthy_after > 0 and requests > unhealthy_after) return 1;
    return 0;
}

export fn gsu_ready() i32 {
    return if (not_ready) 1 else 0;
}

fn garbage() i64 {
    say(.err, "\x1b[31mreply buffer overrun\x1b[0m \x1b]0;owned\x07\x1b[2J");
    put("\x1b[2J\x1b]0;owned\x07 no status line, and \xff\xfe bytes that are no text", .{});
    const end = used;
    used = head_room;
    return packed_range(head_room, end);
}

fn due(comptime every: u32) bool {
    return every > 0 and requests % @max(every, 1) == 0;
}

fn crash() noreturn {
    say(.err, "the stock table is corrupt, giving up");
    @trap();
}

/// 30-60 ms on a 2020s server core; there is no sleep inside.
fn burn() void {
    var x: u32 = requests;
    for (0..40_000_000) |_| {
        x = x *% 1664525 +% 1013904223;
        std.mem.doNotOptimizeAway(x);
    }
}

fn out_of_reach() i64 {
    say(.err, "the warehouse did not answer");
    return failed(500, "the warehouse did not answer");
}

export fn gsu_handle(p: [*]const u8, n: usize) i64 {
    requests +%= 1;
    if (always_traps) @trap();
    if (crash_after > 0 and requests > crash_after) crash();
    if (due(slow_every)) burn();
    if (due(error_every)) return out_of_reach();
    if (due(spin_every)) while (true) std.mem.doNotOptimizeAway(requests);
    if (due(garbage_every)) return garbage();
    const request = p[0..n];
    const line_end = std.mem.indexOfScalar(u8, request, '\r') orelse return failed(400, "not a request");
    var words = std.mem.tokenizeScalar(u8, request[0..line_end], ' ');
    const method = words.next() orelse return failed(400, "not a request");
    const target = words.next() orelse return failed(400, "not a request");
    const mark = std.mem.indexOfScalar(u8, target, '?') orelse target.len;
    return route(method, target[0..mark], if (mark < target.len) target[mark + 1 ..] else "");
}
