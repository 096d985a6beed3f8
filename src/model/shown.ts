// A sender's value in a message to its sender: JSON, cut to a length that a log and a screen can take.

const SHOWN_CHARACTERS_MAX = 200;

export function cut(text: string): string {
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}

/** null when there is no value. */
export function shown(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return cut(JSON.stringify(value.slice(0, SHOWN_CHARACTERS_MAX + 1)));
  return cut(jsonOf(value) ?? 'nested too deeply to be shown');
}

/** null when it is nested deeper than the engine's stack. */
export function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}
