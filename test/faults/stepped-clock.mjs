// Loaded into an agent with --import: its wall clock differs from the machine's by the milliseconds in the file
// CLOCK_OFFSET_FILE. Timers continue as when a real clock is set.
import { readFileSync } from 'node:fs';

const MachineDate = Date;
let offset = 0;

setInterval(() => {
  offset = Number(readFileSync(process.env.CLOCK_OFFSET_FILE, 'utf8'));
}, 20).unref();

globalThis.Date = class extends MachineDate {
  constructor(...parts) {
    if (parts.length === 0) super(MachineDate.now() + offset);
    else super(...parts);
  }

  static now() {
    return MachineDate.now() + offset;
  }
};
