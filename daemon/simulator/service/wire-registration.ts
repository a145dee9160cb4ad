import { utcSecondsText, utcText } from "../../base/system-time.ts";
import type { EmployerReference, PlaceReference, Registration, RegistrationType, RemarkCode } from "./registration.ts";
import { type WireRemark, wireRemarks } from "./remarks.ts";

/** A registration as the control endpoint and the journal write it. */
export type WireRegistration = {
  readonly id: number;
  readonly callId: number;
  /** `2026-01-31T07:02:11.250Z`, by the simulator's clock. */
  readonly received: string;
  readonly registrationDate: string;
  readonly ssin: string;
  readonly type: RegistrationType;
  readonly employer: EmployerReference;
  readonly placeOfWork: PlaceReference;
  readonly contractualRelationshipReference: string | null;
  readonly remarks: readonly WireRemark[];
};

export function wireRegistration(registration: Registration, codes: readonly RemarkCode[]): WireRegistration {
  return {
    id: registration.id,
    callId: registration.callId,
    received: utcText(registration.receivedMs),
    registrationDate: utcSecondsText(registration.registrationMs),
    ssin: registration.ssin,
    type: registration.type,
    employer: registration.employer,
    placeOfWork: registration.placeOfWork,
    contractualRelationshipReference: registration.contractualRelationshipReference,
    remarks: wireRemarks(codes),
  };
}
