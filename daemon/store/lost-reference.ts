/** Why a scan is kept back whose place of work was in a page that nobody can read any more. */
export const lostPlace = "its place of work was lost with a damaged database";

/** The same for its worker, or for what the roster said of him. */
export const lostWorker = "its worker or his entry in the roster was lost with a damaged database";

/** Scans that nothing complete can be sent of. What was begun with them is undone, and they are kept back. */
export class LostReference extends Error {
  override readonly name: string = "LostReference";
  readonly scans: readonly { readonly id: number; readonly reason: string }[];

  constructor(scans: readonly { readonly id: number; readonly reason: string }[]) {
    super("what scans refer to was lost with a damaged database");
    this.scans = scans;
  }
}
