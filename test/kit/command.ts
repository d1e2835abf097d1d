import type { Command } from '../../src/commands/command.ts';

/** The output of a command, and its exit code. */
export interface CommandOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  { env = {}, stdin = '' }: { readonly env?: NodeJS.ProcessEnv; readonly stdin?: string } = {},
): Promise<CommandOutput> {
  let stdout = '';
  let stderr = '';
  const code = await command.run(args, {
    stdout(text) {
      stdout += text;
    },
    stderr(text) {
      stderr += text;
    },
    stdin: async () => stdin,
    env,
    isTerminal: false,
    columns: 80,
    colours: false,
    stop: new AbortController().signal,
    events: new EventTarget(),
  });
  return { code, stdout, stderr };
}
