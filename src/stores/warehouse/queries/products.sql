-- Most sold products, best first; of equals, the lower stock code first. A product's description is the one that most
-- of its lines in the range have.
-- $1 units|revenue · $2 from, inclusive · $3 to, exclusive · $4 how many · null: no bound
WITH ranked AS (
  SELECT
    stock_code,
    SUM(quantity) AS units,
    SUM(amount) AS revenue,
    ROW_NUMBER() OVER (
      ORDER BY CASE CAST($1 AS VARCHAR) WHEN 'revenue' THEN SUM(amount) ELSE SUM(quantity) END DESC NULLS LAST, stock_code
    ) AS place
  FROM sales
  WHERE invoice_date >= COALESCE(CAST($2 AS TIMESTAMP), CAST('1900-01-01 00:00:00' AS TIMESTAMP))
    AND invoice_date < COALESCE(CAST($3 AS TIMESTAMP), CAST('2100-01-01 00:00:00' AS TIMESTAMP))
  GROUP BY stock_code
), best AS (
  SELECT * FROM ranked WHERE place <= CAST($4 AS INTEGER)
), sold AS (
  SELECT stock_code, description, CASE WHEN is_cancellation OR is_adjustment THEN NULL ELSE invoice_no END AS order_no
  FROM sales
  WHERE invoice_date >= COALESCE(CAST($2 AS TIMESTAMP), CAST('1900-01-01 00:00:00' AS TIMESTAMP))
    AND invoice_date < COALESCE(CAST($3 AS TIMESTAMP), CAST('2100-01-01 00:00:00' AS TIMESTAMP))
    AND stock_code IN (SELECT stock_code FROM best)
), named AS (
  SELECT
    stock_code,
    description,
    ROW_NUMBER() OVER (PARTITION BY stock_code ORDER BY COUNT(*) DESC NULLS LAST, description) AS place
  FROM sold
  WHERE description IS NOT NULL
  GROUP BY stock_code, description
), ordered AS (
  SELECT stock_code, COUNT(DISTINCT order_no) AS orders
  FROM sold
  GROUP BY stock_code
)
SELECT
  best.stock_code,
  named.description,
  CAST(best.units AS BIGINT) AS units,
  CAST(best.revenue AS DECIMAL(38, 4)) AS revenue,
  COALESCE(ordered.orders, 0) AS orders
FROM best
LEFT JOIN named ON named.stock_code = best.stock_code AND named.place = 1
LEFT JOIN ordered ON ordered.stock_code = best.stock_code
ORDER BY best.place
