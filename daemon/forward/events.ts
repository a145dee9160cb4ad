/**
 * Everything the forwarder and the webhooks say in the log. The messages are stable: the demonstration and people's own
 * alarms listen for them. Counts are of scans; times carry their unit.
 *
 * | event | level | fields |
 * | --- | --- | --- |
 * | `registered` | info | `count`, `attemptId`, `doubtful` (of the same call, left in doubt) |
 * | `refused` | warn | `count`, `attemptId`, `reason` (of the first) |
 * | `doubtful` | warn | `count`, `attemptId`, `outcome` |
 * | `unread` | error | `count`, `attemptId` |
 * | `notReachable` | warn | `outcome`, `detail`, `count`, `failedCalls`, `retryInMs` |
 * | `noToken` | warn | the same |
 * | `answeredWithError` | warn | the same, `httpStatus`, `relatedTraceId` |
 * | `credentialsRefused`, `callRefused` | error | the same |
 * | `heldBack` | info | `count`, `attemptId` |
 * | `reachableAgain` | info | `failedCalls`, `afterOutcome` |
 * | `culpritSought` | warn | `count`, `attemptId`, `reason` |
 * | `allRefused` | error | `count`, `attemptId`, `reason` (of the first): none is set aside for it, one by one is tried |
 * | `batchTooLarge` | warn | `count`, `attemptId`, `nextMax` |
 * | `putOff` | warn | `count`, `attemptId`, `forMs` |
 * | `foundBySearch` | info | `count`, `attemptId`: not sent again |
 * | `notFoundBySearch` | info | `count`, `attemptId`: sent again |
 * | `searchFailed` | warn | `outcome`, `detail`, `httpStatus`, `failedSearches`, `retryInMs` |
 * | `searchNotToBeHad` | warn | `httpStatus`, `detail`, `forMs` |
 * | `searchRefused` | warn | `count`, `attemptId`, `httpStatus`, `detail`: sent again as possible duplicates |
 * | `receiptRemark` | error | `count`, `attemptId`: remark 32, the receipt limit was passed or the clock is wrong |
 * | `halfway` | error | `waitedMs`, `limitMs`: the oldest waiting scan has used up half of the receipt limit |
 * | `clockless` | warn | `waiting` |
 * | `knowledgeNotKept` | warn | `error` |
 * | `badgesLearnt` | info | `count` |
 * | `interruptedRecovered` | warn | `count` |
 * | `storeFailed` | error | `operation`, `err`, `retryInMs` |
 * | `upstreamDefect` | error | `err` |
 * | `webhookDelivered` | debug | `target`, `count`, `lastScanId` |
 * | `webhookSkipped` | error | `target`, `scanId`, `httpStatus` |
 * | `webhookFailed` | warn | `target`, `detail`, `httpStatus`, `failedCalls`, `retryInMs` |
 * | `webhookAgain` | info | `target`, `failedCalls` |
 * | `webhookDefect` | error | `target`, `err`: `webhookFailed` follows |
 * | `webhookStoreFailed` | error | `target`, `operation`, `err`, `retryInMs` |
 */
export const forwardEvents = {
  registered: "scans registered",
  refused: "scans refused by the service",
  doubtful: "scans left in doubt, possible duplicates",
  unread: "answers of the service cannot be read, scans set aside that it may have registered",
  notReachable: "service not reachable, scans kept",
  noToken: "no token for the service, scans kept",
  heldBack: "call did not leave, the receipt of a scan would have been past the limit by then",
  answeredWithError: "service answered with an error, scans kept",
  credentialsRefused: "service refuses the credentials or what they may do, scans kept",
  callRefused: "service refuses the call, scans kept",
  reachableAgain: "service reachable again",
  culpritSought: "service refused a call without naming a scan, culprit sought",
  allRefused: "service refuses every scan of a call, scans kept: look at site, employer and declaration of works",
  batchTooLarge: "service finds the call too large, smaller ones follow",
  putOff: "scans put off, others go first",
  foundBySearch: "scans in doubt found at the service",
  notFoundBySearch: "scans in doubt not found at the service, sent again",
  searchFailed: "search for scans in doubt failed",
  searchRefused: "service does not search for these scans, sent again as possible duplicates",
  searchNotToBeHad: "service offers no search, scans in doubt are sent again as possible duplicates",
  receiptRemark: "service raised remark 32 on registrations",
  halfway: "oldest scan has waited half of the receipt limit",
  clockless: "scans wait for a clock that can be trusted",
  knowledgeNotKept: "what is known of the receipt limit was not written",
  badgesLearnt: "scans of unknown badges have their worker now",
  interruptedRecovered: "scans of an interrupted call wait again, possible duplicates",
  storeFailed: "store failed, forwarding waits",
  upstreamDefect: "call ended in a way its adapter does not know",
  webhookDelivered: "scans delivered to webhook",
  webhookSkipped: "webhook refused a scan, skipped",
  webhookFailed: "webhook failed, its scans are kept",
  webhookAgain: "webhook reachable again",
  webhookDefect: "delivery ended in a way its adapter does not know",
  webhookStoreFailed: "store failed, webhook waits",
} as const;

export type ForwardEvent = (typeof forwardEvents)[keyof typeof forwardEvents];

/** One line for the log, decided by a pure core and written by its shell. */
export type LogLine = {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: ForwardEvent;
  readonly fields: object;
};
