import type { WallMs } from "../../base/time.ts";

export type RegistrationType = "IN" | "OUT";

export type EmployerReference = { readonly enterpriseNumber: string } | { readonly foreignVatNumber: string };

export type PlaceReference =
  | { readonly coordinates: { readonly longitude: number; readonly latitude: number } }
  | {
      readonly address: {
        readonly postCode: string;
        /** The service takes an address without these, and gives it remark 37. */
        readonly municipalityName?: string | undefined;
        readonly streetName?: string | undefined;
        readonly houseNumber?: string | undefined;
        readonly boxNumber?: string | undefined;
      };
    };

/** One item of a call, checked. */
export type RegistrationItem = {
  readonly registrationMs: WallMs;
  readonly ssin: string;
  readonly type: RegistrationType;
  readonly employer: EmployerReference;
  readonly placeOfWork: PlaceReference;
  /** The AvW number; `null` when the call named none. */
  readonly contractualRelationshipReference: string | null;
};

/** What the simulated service holds: the truth of a fault campaign. */
export type Registration = RegistrationItem & {
  /** Rises with the order of acceptance, also within one call. */
  readonly id: number;
  /** The call that brought it; see `CallRecord`. */
  readonly callId: number;
  /** Moment of receipt by the simulator's own clock. */
  readonly receivedMs: WallMs;
  /** As they stood at receipt; a registration that arrives later may change them, see `RegistrationLedger.remarks`. */
  readonly remarksAtReceipt: readonly RemarkCode[];
};

/** The remarks the simulator computes, by their number in the procedure document. */
export type RemarkCode = 1 | 2 | 3 | 4 | 5 | 10 | 11 | 12 | 15 | 16 | 17 | 21 | 22 | 24 | 32 | 33 | 34 | 35 | 36 | 37;

/** (U) The other values than `pending` are in no public source. */
export type Validity = "pending" | "valid" | "invalid" | "cancelled";
