// A separate process that reads and checks the configuration for `firesteel run`, and exits: the schemas and their
// dependencies never use the agent's memory. Its argument is the parsed command line as JSON; it writes the result to
// standard output.
import type { Parsed } from './commands/flags.ts';
import { loadSettings } from './commands/settings.ts';
import { answerOf } from './commands/settings-answer.ts';

const values: Parsed['values'] = JSON.parse(process.argv[2] ?? '{}');
process.stdout.write(answerOf(() => loadSettings(values, process.env)));
