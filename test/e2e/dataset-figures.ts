// What is known of the real data set, each figure with the question that an analyst would ask for it.

export const LINES = 541_909;
export const REVENUE = 9_747_747.934;

/** Name, SQL on the warehouse, answer. */
export const FIGURES: readonly (readonly [string, string, number])[] = [
  ['lines', 'SELECT count(*) FROM sales', LINES],
  ['invoices', 'SELECT count(DISTINCT invoice_no) FROM sales', 25_900],
  ['invoices, by the view', 'SELECT count(*) FROM invoices', 25_900],
  ['customers', 'SELECT count(DISTINCT customer_id) FROM sales', 4372],
  ['customers, by the view', 'SELECT count(*) FROM customers', 4372],
  ['products', 'SELECT count(DISTINCT stock_code) FROM sales', 4070],
  ['products, by the view', 'SELECT count(*) FROM products', 4070],
  ['countries', 'SELECT count(DISTINCT country) FROM sales', 38],
  ['revenue', 'SELECT sum(amount) FROM sales', REVENUE],
  ['lines of cancellations', 'SELECT count(*) FROM sales WHERE is_cancellation', 9288],
  ['cancellation invoices', 'SELECT count(*) FROM invoices WHERE is_cancellation', 3836],
  ['adjustments', 'SELECT count(*) FROM invoices WHERE is_adjustment', 3],
  ['lines without customer', 'SELECT count(*) FROM sales WHERE customer_id IS NULL', 135_080],
  ['lines without description', 'SELECT count(*) FROM sales WHERE description IS NULL', 1454],
  ['negative quantity', 'SELECT count(*) FROM sales WHERE quantity < 0', 10_624],
  ['price zero or less', 'SELECT count(*) FROM sales WHERE unit_price <= 0', 2517],
  [
    'fully repeated rows',
    `SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT invoice_no, stock_code, description, quantity,
       invoice_date, unit_price, customer_id, country FROM sales) AS rows) FROM sales`,
    5268,
  ],
  [
    'repeated product within an invoice',
    'SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT invoice_no, stock_code FROM sales) AS items) FROM sales',
    10_684,
  ],
  [
    'invoices whose lines have two timestamps',
    `SELECT count(*) FROM (
       SELECT invoice_no FROM sales GROUP BY 1 HAVING count(DISTINCT invoice_date) = 2) AS invoices`,
    43,
  ],
  ['trading days', 'SELECT count(*) FROM sales_by_day', 305],
  ['lines twice', 'SELECT count(*) - count(DISTINCT (invoice_no, line_id)) FROM sales', 0],
];
