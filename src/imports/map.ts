// Which column is which field, as anybody writes it: the names of fields in any spelling.
import { columnNames, type Field, fieldOf } from '../model/columns.ts';
import { TillstreamError } from '../model/errors.ts';
import type { ImportOptions } from './import.ts';

/** Names of fields as anybody writes them. @throws invalid_parameter */
export function withFields<T extends { readonly map?: Readonly<Record<string, string>> }>(
  options: T,
): Omit<T, 'map'> & Pick<ImportOptions, 'map'> {
  const { map, ...others } = options;
  return map === undefined ? others : { ...others, map: mapOf(Object.entries(map)) };
}

/** `price=Amount each` → `{unitPrice: 'Amount each'}`. @throws invalid_parameter */
export function readMap(pairs: readonly string[]): NonNullable<ImportOptions['map']> {
  return mapOf(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0 && at < pair.length - 1) return [pair.slice(0, at), pair.slice(at + 1)];
      const message = `map is "${pair.slice(0, 200)}"; expected a field and its column, such as price=Price.`;
      throw new TillstreamError('invalid_parameter', message, { field: 'map', value: pair.slice(0, 200) });
    }),
  );
}

const FIELDS = Object.entries(columnNames)
  .filter(([field]) => field !== 'extra')
  .map(([, [name]]) => name);

function mapOf(pairs: readonly (readonly [string, string])[]): NonNullable<ImportOptions['map']> {
  const map: Partial<Record<Field, string>> = {};
  for (const [name, column] of pairs) {
    const field = fieldOf(name);
    if (field === undefined || field === 'extra') {
      const message = `map has "${name.slice(0, 80)}", which is no field of a line; expected one of ${FIELDS.join(', ')}.`;
      throw new TillstreamError('invalid_parameter', message, { field: 'map', value: name.slice(0, 80) });
    }
    if (map[field] !== undefined) {
      const message = `map has two columns for ${columnNames[field][0]}: ${map[field]} and ${column}.`;
      throw new TillstreamError('invalid_parameter', message, { field: 'map', value: column });
    }
    map[field] = column;
  }
  return map;
}
