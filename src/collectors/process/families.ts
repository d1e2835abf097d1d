// process-exporter's families (block of each group), and our additions.
import { counter, gauge } from '../../metrics/family.ts';

const GROUP = ['groupname'];
const THREAD = ['groupname', 'threadname'];

const named = (name: string): string => `namedprocess_namegroup_${name}`;

/** Families of process-exporter, by their value. */
export const F = {
  processes: gauge(named('num_procs'), 'Processes in the group.', GROUP),
  cpu: counter(named('cpu_seconds_total'), 'CPU time used.', ['groupname', 'mode']),
  readBytes: counter(named('read_bytes_total'), 'Bytes read from storage.', GROUP),
  writeBytes: counter(named('write_bytes_total'), 'Bytes written to storage.', GROUP),
  majorFaults: counter(named('major_page_faults_total'), 'Major page faults.', GROUP),
  minorFaults: counter(named('minor_page_faults_total'), 'Minor page faults.', GROUP),
  switches: counter(named('context_switches_total'), 'Context switches.', ['groupname', 'ctxswitchtype']),
  memory: gauge(named('memory_bytes'), 'Memory in use.', ['groupname', 'memtype']),
  openFiles: gauge(named('open_filedesc'), 'Open file descriptors.', GROUP),
  worstFdRatio: gauge(
    named('worst_fd_ratio'),
    'Highest ratio of open file descriptors to the soft limit among the processes.',
    GROUP,
  ),
  oldestStart: gauge(
    named('oldest_start_time_seconds'),
    'When the oldest process started, in seconds since 1970.',
    GROUP,
  ),
  threads: gauge(named('num_threads'), 'Threads in the group.', GROUP),
  states: gauge(named('states'), 'Processes by state; with the option threads, threads.', ['groupname', 'state']),
  wchan: gauge(named('threads_wchan'), 'Threads by the kernel function they wait in.', ['groupname', 'wchan']),
  threadCount: gauge(named('thread_count'), 'Threads with this name.', THREAD),
  threadCpu: counter(named('thread_cpu_seconds_total'), 'CPU time used by threads with this name.', [
    ...THREAD,
    'mode',
  ]),
  threadIo: counter(
    named('thread_io_bytes_total'),
    'Bytes read from and written to storage by threads with this name.',
    [...THREAD, 'iomode'],
  ),
  threadMajorFaults: counter(
    named('thread_major_page_faults_total'),
    'Major page faults of threads with this name.',
    THREAD,
  ),
  threadMinorFaults: counter(
    named('thread_minor_page_faults_total'),
    'Minor page faults of threads with this name.',
    THREAD,
  ),
  threadSwitches: counter(named('thread_context_switches_total'), 'Context switches of threads with this name.', [
    ...THREAD,
    'ctxswitchtype',
  ]),
  scrapeErrors: counter('namedprocess_scrape_errors', 'Cycles in which listing the processes failed.'),
  readErrors: counter(
    'namedprocess_scrape_procread_errors',
    'Processes whose stat file could not be read, over all cycles.',
  ),
  partialErrors: counter(
    'namedprocess_scrape_partial_errors',
    'Processes with unreadable files (partial data), over all cycles.',
  ),
} as const;

/** Families that process-exporter lacks. */
export const EXTRA = {
  up: gauge(named('up'), 'Whether an expected group has at least one non-zombie process.', GROUP),
  youngestStart: gauge(
    named('youngest_start_time_seconds'),
    'When the youngest process started, in seconds since 1970.',
    GROUP,
  ),
  uptime: gauge(named('uptime_seconds'), 'Seconds since the oldest process started.', GROUP),
  fdLimit: gauge(named('filedesc_limit'), 'Lowest soft limit of open file descriptors in the group.', GROUP),
  listening: gauge(named('listening_port'), 'Always 1; present while a process of the group listens on this address.', [
    'groupname',
    'protocol',
    'address',
    'port',
  ]),
  portOpen: gauge(named('port_open'), 'Whether a process of the group listens on this expected port.', [
    'groupname',
    'protocol',
    'port',
  ]),
  topCpu: gauge(
    'namedprocess_top_cpu_cores',
    'CPU cores used since the previous cycle, for the processes with the highest CPU usage.',
    ['groupname', 'slot'],
  ),
  topMemory: gauge('namedprocess_top_resident_bytes', 'Memory used, for the processes with the highest memory usage.', [
    'groupname',
    'slot',
  ]),
  topPid: gauge('namedprocess_top_pid', 'Process ID in the slot; `by` is cpu or memory.', ['groupname', 'by', 'slot']),
  overflow: gauge('namedprocess_scrape_overflow_procs', 'Processes counted in __other__ because of the group limit.'),
  skipped: gauge('namedprocess_scrape_skipped_procs', 'Processes not tracked because of the process limit.'),
} as const;

/** All of them, for the docs. */
export const families = [...Object.values(F), ...Object.values(EXTRA)];
