// Who asks, and what a route asks of them. Every route says so in its `config.access`; one that does not is the admin's.

import type { Scope } from '../stores/credentials/credential-store.ts';

/**
 * - open: anybody, without a key
 * - ingest, read, admin: a key with that scope
 * - customer: a key with `read`, or the token of a customer, whom the route shows nothing but their own
 * - key: any key
 * - any: any key, or the token of any customer
 */
export type Access = 'open' | Scope | 'customer' | 'key' | 'any';

export type Caller =
  | { readonly kind: 'key'; readonly id: string; readonly scopes: readonly Scope[] }
  | { readonly kind: 'customer'; readonly customerId: string };

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** For a person's browser, which sends no header of its own: it may ask with Basic, the key as the password. */
    page?: boolean;
  }
  interface FastifyRequest {
    /** null on a route that is open. */
    caller: Caller | null;
  }
}

function hasScope(caller: Caller, scope: Scope): boolean {
  return caller.kind === 'key' && (caller.scopes.includes(scope) || caller.scopes.includes('admin'));
}

export function isAllowed(caller: Caller, access: Access): boolean {
  switch (access) {
    case 'open':
    case 'any':
      return true;
    case 'key':
      return caller.kind === 'key';
    case 'customer':
      return caller.kind === 'customer' || hasScope(caller, 'read');
    default:
      return hasScope(caller, access);
  }
}

/** Whether a customer's data may be shown; null for that of a guest. */
export function mayRead(caller: Caller | null, customerId: string | null): boolean {
  if (caller === null) return false;
  return caller.kind === 'customer' ? caller.customerId === customerId : hasScope(caller, 'read');
}
