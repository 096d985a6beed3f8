-- The same as sales.sql over the whole range, in one row.
-- $1 from, inclusive · $2 to, exclusive · $3 country · null: no bound
-- Lines are first summed by invoice: distinct invoices and customers are then counted among a twentieth of the rows.
WITH split AS (
  SELECT
    invoice_no,
    customer_id,
    is_cancellation,
    is_adjustment,
    SUM(amount) AS revenue,
    SUM(quantity) AS units,
    COUNT(*) AS lines
  FROM sales
  WHERE invoice_date >= COALESCE(CAST($1 AS TIMESTAMP), CAST('1900-01-01 00:00:00' AS TIMESTAMP))
    AND invoice_date < COALESCE(CAST($2 AS TIMESTAMP), CAST('2100-01-01 00:00:00' AS TIMESTAMP))
    AND country = COALESCE(CAST($3 AS VARCHAR), country)
  GROUP BY 1, 2, 3, 4
)
SELECT
  CAST(COALESCE(SUM(revenue), 0) AS DECIMAL(38, 4)) AS revenue,
  CAST(COALESCE(SUM(CASE WHEN is_cancellation OR is_adjustment THEN 0 ELSE revenue END), 0) AS DECIMAL(38, 4)) AS gross_revenue,
  CAST(COALESCE(SUM(CASE WHEN is_cancellation THEN revenue ELSE 0 END), 0) AS DECIMAL(38, 4)) AS cancelled,
  COUNT(DISTINCT CASE WHEN is_cancellation OR is_adjustment THEN NULL ELSE invoice_no END) AS orders,
  CAST(COALESCE(SUM(lines), 0) AS BIGINT) AS lines,
  CAST(COALESCE(SUM(units), 0) AS BIGINT) AS units,
  COUNT(DISTINCT customer_id) AS customers
FROM split
