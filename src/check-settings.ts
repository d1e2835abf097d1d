// A process of its own that reads and checks the configuration for `firesteel run`, and ends: the schemas and what they
// need never stay in the agent's memory. Its argument is the parsed command line as JSON; the answer goes to standard output.
import type { Parsed } from './commands/flags.ts';
import { loadSettings } from './commands/settings.ts';
import { answerOf } from './commands/settings-answer.ts';

const values: Parsed['values'] = JSON.parse(process.argv[2] ?? '{}');
process.stdout.write(answerOf(() => loadSettings(values, process.env)));
