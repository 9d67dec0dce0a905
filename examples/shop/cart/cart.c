// cart: what a shopper means to buy.
//   GET    /carts/ID               lines and total
//   GET    /carts/ID/total         total alone
//   POST   /carts/ID/items         {"sku": "mug", "quantity": 2} adds
//   DELETE /carts/ID/items/SKU     removes the line
//   DELETE /carts/ID               empties the cart
// Config: currency, three letters. Built with -DPRICING=2 (v42 and later), a cart of 50.00 or more gets 10 % off.
#include "../sdk/faults.h"
#include "../sdk/state.h"

#ifndef VERSION
#define VERSION "dev"
#endif
#ifndef PRICING
#define PRICING 1
#endif
#define MAX_LINES 32
#define MAX_QUANTITY 999
#define MAX_CARTS 20000

typedef struct {
  uint16_t product, quantity;
} line;

static char currency[4] = "EUR"; // from the revision's config

static const struct {
  text sku;
  uint32_t price_cents;
} products[] = {
    {LITERAL("mug"), 1250},     {LITERAL("lamp"), 4900},  {LITERAL("desk"), 32900}, {LITERAL("chair"), 18900},
    {LITERAL("notebook"), 690}, {LITERAL("pen"), 240},    {LITERAL("rug"), 12900},  {LITERAL("vase"), 3450},
    {LITERAL("clock"), 5900},   {LITERAL("shelf"), 7900}, {LITERAL("plant"), 1990}, {LITERAL("blanket"), 4450},
};
#define PRODUCTS (sizeof products / sizeof *products)

static int product_of(text sku) {
  for (uint32_t i = 0; i < PRODUCTS; i++)
    if (text_is(products[i].sku, sku)) return (int)i;
  return -1;
}

static uint32_t cart_load(text id, line *lines) {
  text stored = state_get(id);
  uint32_t bytes = stored.length < MAX_LINES * sizeof(line) ? stored.length : MAX_LINES * sizeof(line);
  if (bytes) memcpy(lines, stored.at, bytes);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < bytes / sizeof(line); i++) // a merged snapshot may name products we do not have
    if (lines[i].product < PRODUCTS) lines[kept++] = lines[i];
  return kept;
}

static bool cart_save(text id, const line *lines, uint32_t count) {
  return state_put(id, (text){(const char *)lines, count * sizeof(line)});
}

static void put_totals(const line *lines, uint32_t count) {
  uint64_t sum = 0, discount = 0;
  for (uint32_t i = 0; i < count; i++) sum += (uint64_t)products[lines[i].product].price_cents * lines[i].quantity;
  if (PRICING >= 2 && sum >= 5000) discount = sum / 10;
  PUT("\"discount_cents\":");
  put_number(discount);
  PUT(",\"total_cents\":");
  put_number(sum - discount);
  PUT(",\"currency\":");
  put_quoted((text){currency, 3});
}

static int64_t reply_cart(int status, text id, const line *lines, uint32_t count) {
  reply_begin();
  PUT("{\"cart\":");
  put_quoted(id);
  PUT(",\"lines\":[");
  for (uint32_t i = 0; i < count; i++) {
    if (i) PUT(",");
    PUT("{\"sku\":");
    put_quoted(products[lines[i].product].sku);
    PUT(",\"quantity\":");
    put_number(lines[i].quantity);
    PUT(",\"price_cents\":");
    put_number(products[lines[i].product].price_cents);
    PUT("}");
  }
  PUT("],");
  put_totals(lines, count);
  PUT(",\"version\":\"" VERSION "\"}\n");
  return reply_end(status);
}

static int64_t reply_total(text id, const line *lines, uint32_t count) {
  reply_begin();
  PUT("{\"cart\":");
  put_quoted(id);
  PUT(",");
  put_totals(lines, count);
  PUT("}\n");
  return reply_end(200);
}

static int64_t add_item(text id, text body) {
  line lines[MAX_LINES];
  text sku;
  uint32_t quantity = 1, count = cart_load(id, lines), at = 0;
  if (!json_string(body, LITERAL("sku"), &sku)) return reply_error(400, LITERAL("say which: {'sku': NAME, 'quantity': N}"));
  json_number(body, LITERAL("quantity"), &quantity);
  int product = product_of(sku);
  if (product < 0) return reply_error(404, LITERAL("no such product"));
#ifdef FAULT_REFUSES_EVERY
  static uint32_t asked;
  if (++asked % FAULT_REFUSES_EVERY == 0) return reply_error(409, LITERAL("out of stock"));
#endif
  while (at < count && lines[at].product != product) at++;
  uint32_t before = at < count ? lines[at].quantity : 0;
  if (quantity == 0 || before + quantity > MAX_QUANTITY) return reply_error(422, LITERAL("quantity must stay within 1 to 999"));
  if (at == MAX_LINES) return reply_error(422, LITERAL("the cart is full"));
  lines[at] = (line){(uint16_t)product, (uint16_t)(before + quantity)};
  if (at == count) count++;
  if ((entries >= MAX_CARTS && !state_get(id).at) || !cart_save(id, lines, count)) {
    LOG(LOG_WARN, "no room for more carts");
    return reply_error(507, LITERAL("no room for more carts"));
  }
  return reply_cart(201, id, lines, count);
}

static int64_t remove_item(text id, text sku) {
  line lines[MAX_LINES];
  uint32_t count = cart_load(id, lines), kept = 0;
  int product = product_of(sku);
  for (uint32_t i = 0; i < count; i++)
    if (lines[i].product != product) lines[kept++] = lines[i];
  if (kept == count) return reply_error(404, LITERAL("not in this cart"));
  if (!cart_save(id, lines, kept)) return reply_error(507, LITERAL("no memory"));
  return reply_cart(200, id, lines, kept);
}

static int64_t clear_cart(text id) {
  line none[1];
  if (state_get(id).at && !cart_save(id, none, 0)) return reply_error(507, LITERAL("no memory"));
  return reply_cart(200, id, none, 0);
}

static int64_t hello(void) {
  reply_begin();
  PUT("{\"unit\":\"cart\",\"version\":\"" VERSION "\",\"carts\":");
  put_number(entries);
  PUT("}\n");
  return reply_end(200);
}

static int64_t route(request r) {
  text rest = r.path, first, id, what, sku;
  bool get = text_is(r.method, LITERAL("GET")), post = text_is(r.method, LITERAL("POST"));
  bool delete = text_is(r.method, LITERAL("DELETE"));
  line lines[MAX_LINES];
  if (!path_next(&rest, &first)) return hello();
  if (text_is(first, LITERAL("hello"))) return hello();
  if (!text_is(first, LITERAL("carts")) || !path_next(&rest, &id) || id.length > 64) return reply_error(404, LITERAL("no such page"));
  if (!path_next(&rest, &what)) {
    if (get) return reply_cart(200, id, lines, cart_load(id, lines));
    return delete ? clear_cart(id) : reply_error(405, LITERAL("use GET or DELETE"));
  }
  if (text_is(what, LITERAL("total"))) return get ? reply_total(id, lines, cart_load(id, lines)) : reply_error(405, LITERAL("use GET"));
  if (!text_is(what, LITERAL("items"))) return reply_error(404, LITERAL("no such page"));
  if (path_next(&rest, &sku)) return delete ? remove_item(id, sku) : reply_error(405, LITERAL("use DELETE"));
  return post ? add_item(id, r.body) : reply_error(405, LITERAL("use POST"));
}

EXPORT("gsu_init") int32_t gsu_init(const char *config, uint32_t n) {
  text wanted;
  if (json_string((text){config, n}, LITERAL("currency"), &wanted) && wanted.length == 3) memcpy(currency, wanted.at, 3);
  LOG(LOG_INFO, "cart " VERSION " started");
#ifdef FAULT_INIT_FAILS
  return 1;
#else
  return 0;
#endif
}

EXPORT("gsu_handle") int64_t gsu_handle(const char *p, uint32_t n) {
  request r;
  int64_t instead = fault_before();
  if (instead) return instead;
  if (!request_parse((text){p, n}, &r)) return reply_error(400, LITERAL("not a request"));
  return route(r);
}
