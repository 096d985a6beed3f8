// From values of DuckDB to values of an answer, by type: exact where JSON's numbers are not.
import {
  DuckDBArrayType,
  DuckDBArrayValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { SqlValue } from './warehouse.ts';

/** See SqlValue. Types that JSON has nothing for become DuckDB's own text; a map becomes a list of `{key, value}`. */
export function sqlValueFrom(value: DuckDBValue, type: DuckDBType): SqlValue {
  if (value === null || value === undefined) return null;
  switch (type.typeId) {
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.DECIMAL:
    case DuckDBTypeId.HUGEINT:
      return String(value);
    case DuckDBTypeId.BOOLEAN:
      return value === true;
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
      return Number(value);
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return Number.isFinite(value) ? Number(value) : String(value);
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return String(value).replace(' ', 'T');
    default:
      return nested(value, type) ?? String(value);
  }
}

function nested(value: DuckDBValue, type: DuckDBType): SqlValue | undefined {
  if (
    (value instanceof DuckDBListValue && type instanceof DuckDBListType) ||
    (value instanceof DuckDBArrayValue && type instanceof DuckDBArrayType)
  ) {
    const { valueType } = type;
    return value.items.map((item) => sqlValueFrom(item, valueType));
  }
  if (value instanceof DuckDBStructValue && type instanceof DuckDBStructType) {
    return Object.fromEntries(
      Object.entries(value.entries).map(([name, entry]) => [name, sqlValueFrom(entry, type.typeForEntry(name))]),
    );
  }
  if (value instanceof DuckDBMapValue && type instanceof DuckDBMapType) {
    return value.entries.map((entry) => ({
      key: sqlValueFrom(entry.key, type.keyType),
      value: sqlValueFrom(entry.value, type.valueType),
    }));
  }
  return undefined;
}
