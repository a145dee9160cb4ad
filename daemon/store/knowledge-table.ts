import type Sqlite from "better-sqlite3";
import { type LimitKnowledge, readKnowledge } from "../forward/receipt-window.ts";
import type { Connection } from "./connection.ts";

/** What the service's answers taught about its receipt limit: one row, replaced whole. */
export class KnowledgeTable {
  readonly #connection: Connection;
  readonly #load: Sqlite.Statement<[], string>;
  readonly #keep: Sqlite.Statement<[string]>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#load = connection.db.prepare<[], string>("SELECT content FROM receipt_knowledge").pluck();
    this.#keep = connection.db.prepare("INSERT OR REPLACE INTO receipt_knowledge (id, content) VALUES (1, ?)");
  }

  load(): LimitKnowledge | null {
    const content = this.#load.get();
    return content === undefined ? null : readKnowledge(JSON.parse(content));
  }

  keep(knowledge: LimitKnowledge): void {
    this.#connection.transact(() => this.#keep.run(JSON.stringify(knowledge)));
  }
}
