// What an expression of PromQL asks for: enough of the language to name the metrics and labels in it.

const KEYWORDS = new Set(['and', 'or', 'unless', 'by', 'without', 'on', 'ignoring', 'offset', 'bool']);
/** Labels that Prometheus adds, and the one of buckets. */
const ITS_OWN_LABELS = ['instance', 'job', 'le'];

export interface Selector {
  readonly name: string;
  /** That it is selected by. */
  readonly labels: readonly string[];
}

export function selectorsOf(expression: string): Selector[] {
  const bare = withoutStrings(expression)
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/(?<![\w.$:])([a-zA-Z_:][\w:]*)(?![\w:]|\s*\()\s*(\{[^}]*\})?/g)]
    .filter(([, name = '']) => !KEYWORDS.has(name))
    .map(([, name = '', matchers = '']) => ({ name, labels: ours(matchers.match(/\w+(?=\s*[=!])/g) ?? []) }));
}

/** What it groups by. */
export function groupingOf(expression: string): string[] {
  const lists = withoutStrings(expression).matchAll(/\bby\s*\(([^)]*)\)/g);
  return ours([...lists].flatMap(([, list = '']) => list.split(',').map((label) => label.trim())));
}

function withoutStrings(expression: string): string {
  return expression.replace(/"[^"]*"|'[^']*'/g, '""');
}

function ours(labels: readonly string[]): string[] {
  return labels.filter((label) => !ITS_OWN_LABELS.includes(label));
}
