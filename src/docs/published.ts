// A schema as the OpenAPI document has it: what has an $id once, among the components; what has a default need not be sent.

export type Json = { [name: string]: unknown };

/** Copies; adds schemas with an $id to `components`, and refers to them. */
export function published(value: unknown, components: Json): unknown {
  if (Array.isArray(value)) return value.map((each) => published(each, components));
  if (typeof value !== 'object' || value === null) return value;
  const { $id, ...schema } = value as Json;
  const entries = Object.entries(schema).map(([name, member]) => [
    name,
    asItIs.has(name) ? member : published(member, components),
  ]);
  const copy: Json = Object.fromEntries(entries);
  if (Array.isArray(copy.enum) && copy.type === undefined && copy.enum.every((each) => typeof each === 'string')) {
    copy.type = 'string'; // TypeBox leaves it out; generators of clients want it.
  }
  if (typeof $id !== 'string') return copy;
  components[$id] = copy;
  return { $ref: `#/components/schemas/${$id}` };
}

/** Members that hold values of the API, not schemas. */
const asItIs = new Set(['example', 'examples', 'x-examples', 'default', 'enum']);

/** Of what is sent to us: a member with a default is none that has to be there. */
export function asSent(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  const { required, ...others } = schema as Json;
  if (!Array.isArray(required)) return schema;
  const properties = (others.properties ?? {}) as Readonly<Record<string, Json>>;
  const needed = required.filter((name: string) => properties[name]?.default === undefined);
  return needed.length === 0 ? others : { ...others, required: needed };
}
