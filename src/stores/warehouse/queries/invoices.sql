-- Highest or lowest invoices by total, cancellations included; of equals, the lower number first. As the order store has
-- them: the date of the earliest line, the customer of the newest line that names one, the country of the newest line.
-- $1 highest|lowest · $2 how many
WITH ranked AS (
  SELECT
    invoice_no,
    MIN(invoice_date) AS invoice_date,
    SUM(amount) AS total,
    COUNT(*) AS line_count,
    ROW_NUMBER() OVER (
      ORDER BY CASE CAST($1 AS VARCHAR) WHEN 'lowest' THEN SUM(amount) ELSE -SUM(amount) END, invoice_no
    ) AS place
  FROM sales
  GROUP BY invoice_no
), best AS (
  SELECT * FROM ranked WHERE place <= CAST($2 AS INTEGER)
), members AS (
  SELECT invoice_no, customer_id, country, received_at, sequence, position
  FROM sales
  WHERE invoice_no IN (SELECT invoice_no FROM best)
), newest AS (
  SELECT
    invoice_no,
    country,
    ROW_NUMBER() OVER (PARTITION BY invoice_no ORDER BY received_at DESC NULLS LAST, sequence DESC NULLS LAST, position DESC NULLS LAST) AS place
  FROM members
), named AS (
  SELECT
    invoice_no,
    customer_id,
    ROW_NUMBER() OVER (PARTITION BY invoice_no ORDER BY received_at DESC NULLS LAST, sequence DESC NULLS LAST, position DESC NULLS LAST) AS place
  FROM members
  WHERE customer_id IS NOT NULL
)
SELECT
  best.invoice_no,
  best.invoice_date,
  named.customer_id,
  newest.country,
  CAST(best.total AS DECIMAL(38, 4)) AS total,
  best.line_count
FROM best
JOIN newest ON newest.invoice_no = best.invoice_no AND newest.place = 1
LEFT JOIN named ON named.invoice_no = best.invoice_no AND named.place = 1
ORDER BY best.place
