import { afterAll } from "vitest";
import { killLeftProcesses } from "./left-processes.ts";

/** Beside each file of tests: a daemon that a test has left running would take the badges of the next run's. */
afterAll(killLeftProcesses);
