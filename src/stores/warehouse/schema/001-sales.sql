-- What is ours alone: how far the stream has been loaded. Analysts' tools look at `public`.
CREATE SCHEMA tillstream;

CREATE TABLE tillstream.schema_version (version INTEGER NOT NULL);
INSERT INTO tillstream.schema_version VALUES (0);

-- One row. Changed in the transaction that changes `sales`.
CREATE TABLE tillstream.checkpoint (stream_id VARCHAR, sequence VARCHAR);
INSERT INTO tillstream.checkpoint VALUES (NULL, NULL);

CREATE SCHEMA public;

-- No primary key: its index would take more memory than the table. Loading keeps (invoice_no, line_id) unique.
CREATE TABLE public.sales (
  invoice_no      VARCHAR NOT NULL,
  line_id         VARCHAR NOT NULL,
  stock_code      VARCHAR NOT NULL,
  description     VARCHAR,
  quantity        INTEGER NOT NULL,
  invoice_date    TIMESTAMP NOT NULL,
  unit_price      DECIMAL(18, 4) NOT NULL,
  customer_id     VARCHAR,
  country         VARCHAR NOT NULL,
  amount          DECIMAL(18, 4) NOT NULL,
  is_cancellation BOOLEAN NOT NULL,
  is_adjustment   BOOLEAN NOT NULL,
  received_at     TIMESTAMP NOT NULL,
  sequence        VARCHAR NOT NULL,
  position        BIGINT NOT NULL,
  source          VARCHAR NOT NULL,
  invoice_digits  BIGINT NOT NULL
);

COMMENT ON TABLE public.sales IS 'One row for every line of every invoice, its newest version. The facts under all other views.';
COMMENT ON COLUMN public.sales.invoice_no IS 'Invoice number. Starts with C for a cancellation, with another letter for an adjustment.';
COMMENT ON COLUMN public.sales.line_id IS 'Place of the line in its invoice; unique together with invoice_no.';
COMMENT ON COLUMN public.sales.stock_code IS 'Product number.';
COMMENT ON COLUMN public.sales.description IS 'Name of the product as the line had it; may be missing.';
COMMENT ON COLUMN public.sales.quantity IS 'Pieces; negative on cancellations.';
COMMENT ON COLUMN public.sales.invoice_date IS 'Date and time of the line by the clock of the shop, without a zone.';
COMMENT ON COLUMN public.sales.unit_price IS 'Price of one piece.';
COMMENT ON COLUMN public.sales.customer_id IS 'Who bought; missing for a guest.';
COMMENT ON COLUMN public.sales.country IS 'Country of the buyer.';
COMMENT ON COLUMN public.sales.amount IS 'quantity times unit_price, exact.';
COMMENT ON COLUMN public.sales.is_cancellation IS 'True where the invoice number starts with C.';
COMMENT ON COLUMN public.sales.is_adjustment IS 'True where the invoice number starts with a letter other than C, for example bad debt.';
COMMENT ON COLUMN public.sales.received_at IS 'When this version of the line was accepted, UTC, to the microsecond.';
COMMENT ON COLUMN public.sales.sequence IS 'Place in the stream of the record that brought this version.';
COMMENT ON COLUMN public.sales.position IS 'Place of the line in the request that brought this version.';
COMMENT ON COLUMN public.sales.source IS 'Where this version came from: api, replay, import:<id>.';
COMMENT ON COLUMN public.sales.invoice_digits IS 'The last 18 digits of invoice_no as a number. For loading, which skips most of the table by it.';
