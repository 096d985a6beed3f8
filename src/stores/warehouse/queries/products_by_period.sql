-- Most sold products of every period that has at least one line: periods oldest first, in each the best first; of equals,
-- the lower stock code first. A product's description is the one that most of its lines in the range have.
-- $1 hour|day|month|year · $2 units|revenue · $3 from, inclusive · $4 to, exclusive · $5 how many a period · null: no bound
WITH ranked AS (
  SELECT
    period,
    stock_code,
    SUM(quantity) AS units,
    SUM(amount) AS revenue,
    ROW_NUMBER() OVER (
      PARTITION BY period
      ORDER BY CASE CAST($2 AS VARCHAR) WHEN 'revenue' THEN SUM(amount) ELSE SUM(quantity) END DESC NULLS LAST, stock_code
    ) AS place
  FROM (
    SELECT
      CASE CAST($1 AS VARCHAR)
        WHEN 'hour' THEN DATE_TRUNC('hour', invoice_date)
        WHEN 'day' THEN DATE_TRUNC('day', invoice_date)
        WHEN 'month' THEN DATE_TRUNC('month', invoice_date)
        ELSE DATE_TRUNC('year', invoice_date)
      END AS period,
      stock_code,
      quantity,
      amount
    FROM sales
    WHERE invoice_date >= COALESCE(CAST($3 AS TIMESTAMP), CAST('1900-01-01 00:00:00' AS TIMESTAMP))
      AND invoice_date < COALESCE(CAST($4 AS TIMESTAMP), CAST('2100-01-01 00:00:00' AS TIMESTAMP))
  ) AS dated
  GROUP BY period, stock_code
), best AS (
  SELECT * FROM ranked WHERE place <= CAST($5 AS INTEGER)
), sold AS (
  SELECT
    CASE CAST($1 AS VARCHAR)
      WHEN 'hour' THEN DATE_TRUNC('hour', invoice_date)
      WHEN 'day' THEN DATE_TRUNC('day', invoice_date)
      WHEN 'month' THEN DATE_TRUNC('month', invoice_date)
      ELSE DATE_TRUNC('year', invoice_date)
    END AS period,
    stock_code,
    description,
    CASE WHEN is_cancellation OR is_adjustment THEN NULL ELSE invoice_no END AS order_no
  FROM sales
  WHERE invoice_date >= COALESCE(CAST($3 AS TIMESTAMP), CAST('1900-01-01 00:00:00' AS TIMESTAMP))
    AND invoice_date < COALESCE(CAST($4 AS TIMESTAMP), CAST('2100-01-01 00:00:00' AS TIMESTAMP))
    AND stock_code IN (SELECT stock_code FROM best)
), ordered AS (
  SELECT sold.period, sold.stock_code, COUNT(DISTINCT sold.order_no) AS orders
  FROM sold
  JOIN best ON best.period = sold.period AND best.stock_code = sold.stock_code
  GROUP BY sold.period, sold.stock_code
), named AS (
  SELECT
    stock_code,
    description,
    ROW_NUMBER() OVER (PARTITION BY stock_code ORDER BY COUNT(*) DESC NULLS LAST, description) AS place
  FROM sold
  WHERE description IS NOT NULL
  GROUP BY stock_code, description
)
SELECT
  best.period,
  best.stock_code,
  named.description,
  CAST(best.units AS BIGINT) AS units,
  CAST(best.revenue AS DECIMAL(38, 4)) AS revenue,
  COALESCE(ordered.orders, 0) AS orders
FROM best
LEFT JOIN named ON named.stock_code = best.stock_code AND named.place = 1
LEFT JOIN ordered ON ordered.period = best.period AND ordered.stock_code = best.stock_code
ORDER BY best.period, best.place
