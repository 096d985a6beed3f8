-- Views for analysts. Revenue and units are sums over all lines, net of cancellations; gross_revenue leaves cancellations
-- and adjustments out; cancelled is the money of cancellations; orders are invoices that are neither.

CREATE VIEW public.invoices AS
SELECT
  invoice_no,
  min(invoice_date) AS invoice_date,
  arg_max(customer_id, (received_at, sequence, position)) AS customer_id,
  arg_max(country, (received_at, sequence, position)) AS country,
  is_cancellation,
  is_adjustment,
  CAST(sum(amount) AS DECIMAL(38, 4)) AS total,
  CAST(sum(quantity) AS BIGINT) AS units,
  count(*) AS line_count
FROM public.sales
GROUP BY invoice_no, is_cancellation, is_adjustment;

COMMENT ON VIEW public.invoices IS 'One row for every invoice: its earliest date, its total, who bought (of the newest line that says so).';

CREATE VIEW public.customers AS
SELECT
  customer_id,
  arg_max(country, (invoice_date, invoice_no)) AS country,
  coalesce(min(CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_date END), min(invoice_date)) AS first_purchase,
  coalesce(max(CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_date END), max(invoice_date)) AS last_purchase,
  count(CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN 1 END) AS orders,
  count(CASE WHEN is_cancellation THEN 1 END) AS cancellations,
  CAST(sum(total) AS DECIMAL(38, 4)) AS spent,
  CAST(sum(units) AS BIGINT) AS units
FROM public.invoices
WHERE customer_id IS NOT NULL
GROUP BY customer_id;

COMMENT ON VIEW public.customers IS 'One row for every customer who is known by number; guests are left out. spent is net of cancellations. first_purchase and last_purchase are of invoices that are neither cancellations nor adjustments; of any, for who has only such.';

CREATE VIEW public.products AS
WITH named AS (
  SELECT stock_code, description, row_number() OVER (PARTITION BY stock_code ORDER BY count(*) DESC, description) AS place
  FROM public.sales
  WHERE description IS NOT NULL
  GROUP BY stock_code, description
)
SELECT
  sold.stock_code,
  named.description,
  CAST(sum(sold.quantity) AS BIGINT) AS units,
  CAST(sum(sold.amount) AS DECIMAL(38, 4)) AS revenue,
  count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders,
  min(sold.invoice_date) AS first_sold,
  max(sold.invoice_date) AS last_sold
FROM public.sales AS sold
LEFT JOIN named ON named.stock_code = sold.stock_code AND named.place = 1
GROUP BY sold.stock_code, named.description;

COMMENT ON VIEW public.products IS 'One row for every product, under the name that most of its lines have.';

CREATE VIEW public.sales_by_hour AS
SELECT
  CAST(date_trunc('hour', invoice_date) AS TIMESTAMP) AS period,
  CAST(sum(amount) AS DECIMAL(38, 4)) AS revenue,
  CAST(sum(CASE WHEN is_cancellation OR is_adjustment THEN 0 ELSE amount END) AS DECIMAL(38, 4)) AS gross_revenue,
  CAST(sum(CASE WHEN is_cancellation THEN amount ELSE 0 END) AS DECIMAL(38, 4)) AS cancelled,
  count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders,
  count(*) AS lines,
  CAST(sum(quantity) AS BIGINT) AS units,
  count(DISTINCT customer_id) AS customers
FROM public.sales
GROUP BY 1;

COMMENT ON VIEW public.sales_by_hour IS 'Sales of every hour that has any, by the dates of the lines.';

CREATE VIEW public.sales_by_day AS
SELECT
  CAST(date_trunc('day', invoice_date) AS TIMESTAMP) AS period,
  CAST(sum(amount) AS DECIMAL(38, 4)) AS revenue,
  CAST(sum(CASE WHEN is_cancellation OR is_adjustment THEN 0 ELSE amount END) AS DECIMAL(38, 4)) AS gross_revenue,
  CAST(sum(CASE WHEN is_cancellation THEN amount ELSE 0 END) AS DECIMAL(38, 4)) AS cancelled,
  count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders,
  count(*) AS lines,
  CAST(sum(quantity) AS BIGINT) AS units,
  count(DISTINCT customer_id) AS customers
FROM public.sales
GROUP BY 1;

COMMENT ON VIEW public.sales_by_day IS 'Sales of every day that has any, by the dates of the lines.';

CREATE VIEW public.sales_by_month AS
SELECT
  CAST(date_trunc('month', invoice_date) AS TIMESTAMP) AS period,
  CAST(sum(amount) AS DECIMAL(38, 4)) AS revenue,
  CAST(sum(CASE WHEN is_cancellation OR is_adjustment THEN 0 ELSE amount END) AS DECIMAL(38, 4)) AS gross_revenue,
  CAST(sum(CASE WHEN is_cancellation THEN amount ELSE 0 END) AS DECIMAL(38, 4)) AS cancelled,
  count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders,
  count(*) AS lines,
  CAST(sum(quantity) AS BIGINT) AS units,
  count(DISTINCT customer_id) AS customers
FROM public.sales
GROUP BY 1;

COMMENT ON VIEW public.sales_by_month IS 'Sales of every month that has any, by the dates of the lines.';

CREATE VIEW public.sales_by_year AS
SELECT
  CAST(date_trunc('year', invoice_date) AS TIMESTAMP) AS period,
  CAST(sum(amount) AS DECIMAL(38, 4)) AS revenue,
  CAST(sum(CASE WHEN is_cancellation OR is_adjustment THEN 0 ELSE amount END) AS DECIMAL(38, 4)) AS gross_revenue,
  CAST(sum(CASE WHEN is_cancellation THEN amount ELSE 0 END) AS DECIMAL(38, 4)) AS cancelled,
  count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders,
  count(*) AS lines,
  CAST(sum(quantity) AS BIGINT) AS units,
  count(DISTINCT customer_id) AS customers
FROM public.sales
GROUP BY 1;

COMMENT ON VIEW public.sales_by_year IS 'Sales of every year that has any, by the dates of the lines.';

CREATE VIEW public.top_products_by_hour AS
WITH sold AS (
  SELECT
    CAST(date_trunc('hour', invoice_date) AS TIMESTAMP) AS period,
    stock_code,
    CAST(sum(quantity) AS BIGINT) AS units,
    CAST(sum(amount) AS DECIMAL(38, 4)) AS revenue,
    count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders
  FROM public.sales
  GROUP BY 1, 2
), ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY period ORDER BY units DESC, stock_code) AS rank_by_units,
    row_number() OVER (PARTITION BY period ORDER BY revenue DESC, stock_code) AS rank_by_revenue
  FROM sold
)
SELECT ranked.period, rank_by_units, rank_by_revenue, ranked.stock_code, description, ranked.units, ranked.revenue, ranked.orders
FROM ranked
JOIN public.products USING (stock_code)
WHERE rank_by_units <= 10 OR rank_by_revenue <= 10;

COMMENT ON VIEW public.top_products_by_hour IS 'The ten products that sold most in every hour, by units and by revenue: filter on one of the two ranks.';

CREATE VIEW public.top_products_by_day AS
WITH sold AS (
  SELECT
    CAST(date_trunc('day', invoice_date) AS TIMESTAMP) AS period,
    stock_code,
    CAST(sum(quantity) AS BIGINT) AS units,
    CAST(sum(amount) AS DECIMAL(38, 4)) AS revenue,
    count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders
  FROM public.sales
  GROUP BY 1, 2
), ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY period ORDER BY units DESC, stock_code) AS rank_by_units,
    row_number() OVER (PARTITION BY period ORDER BY revenue DESC, stock_code) AS rank_by_revenue
  FROM sold
)
SELECT ranked.period, rank_by_units, rank_by_revenue, ranked.stock_code, description, ranked.units, ranked.revenue, ranked.orders
FROM ranked
JOIN public.products USING (stock_code)
WHERE rank_by_units <= 10 OR rank_by_revenue <= 10;

COMMENT ON VIEW public.top_products_by_day IS 'The ten products that sold most in every day, by units and by revenue: filter on one of the two ranks.';

CREATE VIEW public.top_products_by_month AS
WITH sold AS (
  SELECT
    CAST(date_trunc('month', invoice_date) AS TIMESTAMP) AS period,
    stock_code,
    CAST(sum(quantity) AS BIGINT) AS units,
    CAST(sum(amount) AS DECIMAL(38, 4)) AS revenue,
    count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders
  FROM public.sales
  GROUP BY 1, 2
), ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY period ORDER BY units DESC, stock_code) AS rank_by_units,
    row_number() OVER (PARTITION BY period ORDER BY revenue DESC, stock_code) AS rank_by_revenue
  FROM sold
)
SELECT ranked.period, rank_by_units, rank_by_revenue, ranked.stock_code, description, ranked.units, ranked.revenue, ranked.orders
FROM ranked
JOIN public.products USING (stock_code)
WHERE rank_by_units <= 10 OR rank_by_revenue <= 10;

COMMENT ON VIEW public.top_products_by_month IS 'The ten products that sold most in every month, by units and by revenue: filter on one of the two ranks.';

CREATE VIEW public.top_products_by_year AS
WITH sold AS (
  SELECT
    CAST(date_trunc('year', invoice_date) AS TIMESTAMP) AS period,
    stock_code,
    CAST(sum(quantity) AS BIGINT) AS units,
    CAST(sum(amount) AS DECIMAL(38, 4)) AS revenue,
    count(DISTINCT CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN invoice_no END) AS orders
  FROM public.sales
  GROUP BY 1, 2
), ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY period ORDER BY units DESC, stock_code) AS rank_by_units,
    row_number() OVER (PARTITION BY period ORDER BY revenue DESC, stock_code) AS rank_by_revenue
  FROM sold
)
SELECT ranked.period, rank_by_units, rank_by_revenue, ranked.stock_code, description, ranked.units, ranked.revenue, ranked.orders
FROM ranked
JOIN public.products USING (stock_code)
WHERE rank_by_units <= 10 OR rank_by_revenue <= 10;

COMMENT ON VIEW public.top_products_by_year IS 'The ten products that sold most in every year, by units and by revenue: filter on one of the two ranks.';

-- Recency, frequency, money: each customer with an order is put in a fifth of each, 5 the best, and named by the fifths.
-- Recency counts from the newest line in the warehouse, so that a year of old data still tells customers apart.
CREATE VIEW public.customer_segments AS
WITH scored AS (
  SELECT
    customer_id,
    country,
    CAST(date_diff('day', last_order, (SELECT max(invoice_date) FROM public.sales)) AS INTEGER) AS days_since_last_order,
    orders,
    spent,
    ntile(5) OVER (ORDER BY last_order, customer_id) AS recency,
    ntile(5) OVER (ORDER BY orders, customer_id) AS frequency,
    ntile(5) OVER (ORDER BY spent, customer_id) AS money
  FROM public.customers
  JOIN (
    SELECT customer_id, max(invoice_date) AS last_order
    FROM public.invoices
    WHERE NOT is_cancellation AND NOT is_adjustment
    GROUP BY customer_id
  ) AS latest USING (customer_id)
)
SELECT
  customer_id,
  country,
  days_since_last_order,
  orders,
  spent,
  recency,
  frequency,
  money,
  CASE
    WHEN orders = 1 AND recency >= 4 THEN 'new'
    WHEN recency >= 4 AND frequency >= 4 AND money >= 4 THEN 'champion'
    WHEN recency >= 3 AND frequency >= 3 THEN 'loyal'
    WHEN recency >= 3 THEN 'promising'
    WHEN recency = 2 AND frequency >= 3 THEN 'at risk'
    WHEN recency = 1 AND frequency >= 4 THEN 'cannot lose'
    WHEN recency = 2 THEN 'cooling'
    ELSE 'lost'
  END AS segment
FROM scored;

COMMENT ON VIEW public.customer_segments IS 'Customers by recency, frequency and money (RFM), in fifths from 1 to 5, 5 the best. segment: new (one order, recent), champion (4 or 5 in all three), loyal (recent and frequent), promising (recent, not yet frequent), at risk (frequent, cooling), cannot lose (frequent, long gone), cooling, lost. Customers without an order that is neither a cancellation nor an adjustment are left out.';
COMMENT ON COLUMN public.customer_segments.days_since_last_order IS 'Counted to the newest line in the warehouse, not to today.';
COMMENT ON COLUMN public.customer_segments.recency IS 'Fifth by date of the last order; 5 for the most recent.';
COMMENT ON COLUMN public.customer_segments.frequency IS 'Fifth by number of orders; 5 for the most.';
COMMENT ON COLUMN public.customer_segments.money IS 'Fifth by money spent, net of cancellations; 5 for the most.';
