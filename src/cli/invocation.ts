/** How the person at the terminal would start the next command: in a clone, through npx. */
export function program(): string {
  return process.env.npm_command === undefined || process.env.npm_command === '' ? 'tillstream' : 'npx tillstream';
}
