-- Sales of every period that has at least one line, oldest first; last, with no period, those of the whole range.
-- $1 hour|day|month|year · $2 from, inclusive · $3 to, exclusive · $4 country · null: no bound
-- Lines are first summed by invoice: distinct invoices and customers are then counted among a twentieth of the rows.
WITH summed AS (
  SELECT
    invoice_date,
    invoice_no,
    customer_id,
    BOOL_OR(is_cancellation) AS is_cancellation,
    BOOL_OR(is_adjustment) AS is_adjustment,
    SUM(amount) AS revenue,
    SUM(quantity) AS units,
    COUNT(*) AS lines
  FROM sales
  WHERE invoice_date >= COALESCE(CAST($2 AS TIMESTAMP), CAST('1900-01-01 00:00:00' AS TIMESTAMP))
    AND invoice_date < COALESCE(CAST($3 AS TIMESTAMP), CAST('2100-01-01 00:00:00' AS TIMESTAMP))
    AND (CAST($4 AS VARCHAR) IS NULL OR country = CAST($4 AS VARCHAR))
  GROUP BY invoice_date, invoice_no, customer_id
), split AS (
  SELECT
    CASE CAST($1 AS VARCHAR)
      WHEN 'hour' THEN DATE_TRUNC('hour', invoice_date)
      WHEN 'day' THEN DATE_TRUNC('day', invoice_date)
      WHEN 'month' THEN DATE_TRUNC('month', invoice_date)
      ELSE DATE_TRUNC('year', invoice_date)
    END AS period,
    customer_id,
    CASE WHEN is_cancellation OR is_adjustment THEN NULL ELSE invoice_no END AS order_no,
    CASE WHEN is_cancellation OR is_adjustment THEN 0 ELSE revenue END AS gross_revenue,
    CASE WHEN is_cancellation THEN revenue ELSE 0 END AS cancelled,
    revenue,
    units,
    lines
  FROM summed
)
SELECT
  period,
  CAST(SUM(revenue) AS DECIMAL(38, 4)) AS revenue,
  CAST(SUM(gross_revenue) AS DECIMAL(38, 4)) AS gross_revenue,
  CAST(SUM(cancelled) AS DECIMAL(38, 4)) AS cancelled,
  COUNT(DISTINCT order_no) AS orders,
  CAST(SUM(lines) AS BIGINT) AS lines,
  CAST(SUM(units) AS BIGINT) AS units,
  COUNT(DISTINCT customer_id) AS customers
FROM split
GROUP BY period
UNION ALL
SELECT
  CAST(NULL AS TIMESTAMP) AS period,
  CAST(COALESCE(SUM(revenue), 0) AS DECIMAL(38, 4)) AS revenue,
  CAST(COALESCE(SUM(gross_revenue), 0) AS DECIMAL(38, 4)) AS gross_revenue,
  CAST(COALESCE(SUM(cancelled), 0) AS DECIMAL(38, 4)) AS cancelled,
  COUNT(DISTINCT order_no) AS orders,
  CAST(COALESCE(SUM(lines), 0) AS BIGINT) AS lines,
  CAST(COALESCE(SUM(units), 0) AS BIGINT) AS units,
  COUNT(DISTINCT customer_id) AS customers
FROM split
ORDER BY period NULLS LAST
