// What Tillstream is measured against, each in a process of its own: `peer.mjs bare | map | postgres`.
//
// bare      node:http that reads a body, parses the JSON and answers: what any Node server at least has to do
// map       a Fastify route that answers the bytes of an invoice from a Map
// postgres  Fastify, and one INSERT a request into a table with a primary key, committed to disk
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import fastify from 'fastify';
import pg from 'pg';
import { answerParent } from './children.mjs';

const JSON_TYPE = 'application/json; charset=utf-8';

/** As long as what Tillstream answers. */
const ONE_ANSWER = Buffer.from(
  '{"accepted":1,"rejected":0,"lines":[{"invoiceNo":"536365","lineId":"000001","identity":"client","sequence":"0000000000000001"}],"errors":[]}',
);
const MANY_ANSWER = Buffer.from(
  '{"accepted":1000,"rejected":0,"firstSequence":"0000000000000001","lastSequence":"0000000000000050","rejectedLines":[],"errors":[]}',
);

const peers = {
  bare() {
    const server = createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const text = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString('utf8');
        const isMany = request.headers['content-type'] === 'application/x-ndjson';
        if (isMany) for (const line of text.split('\n')) line !== '' && JSON.parse(line);
        else JSON.parse(text);
        const answer = isMany ? MANY_ANSWER : ONE_ANSWER;
        response.writeHead(202, { 'content-type': JSON_TYPE, 'content-length': answer.length });
        response.end(answer);
      });
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
  },

  async map({ file }) {
    const answers = new Map(JSON.parse(readFileSync(file, 'utf8')));
    const server = fastify();
    server.get('/v1/invoices/:invoiceNo', (request, reply) => {
      reply.type(JSON_TYPE).send(answers.get(request.params.invoiceNo));
    });
    return listen(server);
  },

  async postgres({ connection, connections }) {
    const pool = new pg.Pool({ ...connection, max: connections });
    await pool.query(`
      CREATE TABLE sales (
        invoice_no text, line_id text, stock_code text NOT NULL, description text, quantity integer NOT NULL,
        invoice_date timestamp NOT NULL, unit_price numeric(12, 4) NOT NULL, customer_id text, country text NOT NULL,
        PRIMARY KEY (invoice_no, line_id)
      )`);
    const text = 'INSERT INTO sales VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)';
    const server = fastify();
    server.post('/v1/transactions', async ({ body }, reply) => {
      const { InvoiceNo, LineNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country } = body;
      const values = [
        InvoiceNo,
        LineNo,
        StockCode,
        Description,
        Quantity,
        InvoiceDate,
        UnitPrice,
        CustomerID || null,
        Country,
      ];
      await pool.query({ name: 'insert', text, values });
      return reply.code(202).type(JSON_TYPE).send(ONE_ANSWER);
    });
    return listen(server);
  },
};

async function listen(server) {
  await server.listen({ host: '127.0.0.1', port: 0 });
  return server.server.address().port;
}

answerParent({ start: (options) => peers[process.argv[2]](options) });
