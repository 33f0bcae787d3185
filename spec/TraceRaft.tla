------------------------------ MODULE TraceRaft ------------------------------
(***************************************************************************)
(* One run of Raft, as a behaviour of the specification.  Run is the       *)
(* sequence of its steps: a names the action, i the server, the other      *)
(* fields are the action's parameters; seen, where a step has it, is what  *)
(* the server showed afterwards.  "althing trace follow --tla" writes Run. *)
(*                                                                         *)
(* There is one behaviour.  If a step is not allowed, or leads elsewhere,  *)
(* it ends there, which TLC reports as a deadlock: at is the step's number.*)
(***************************************************************************)
EXTENDS Raft

CONSTANT Run

VARIABLE at

Step(r) ==
    CASE r.a = "Sync" -> Sync(r.i)
      [] r.a = "Flush" -> Flush(r.i)
      [] r.a = "Crash" -> Crash(r.i, r.n)
      [] r.a = "Timeout" -> Timeout(r.i)
      [] r.a = "AskVotes" -> AskVotes(r.i)
      [] r.a = "TellTerm" -> TellTerm(r.i)
      [] r.a = "UpdateTerm" -> UpdateTerm(r.i, r.t)
      [] r.a = "GrantVote" -> r.m \in msgs /\ GrantVote(r.i, r.m)
      [] r.a = "SendVote" -> SendVote(r.i)
      [] r.a = "BecomeLeader" -> BecomeLeader(r.i)
      [] r.a = "StepDown" -> StepDown(r.i)
      [] r.a = "Propose" -> Propose(r.i, r.v)
      [] r.a = "ChangeGroup" -> ChangeGroup(r.i, r.v, r.new, r.old)
      [] r.a = "SendAppend" -> SendAppend(r.i, r.p, r.n)
      [] r.a = "AcceptAppend" -> r.m \in msgs /\ AcceptAppend(r.i, r.m)
      [] r.a = "Acknowledge" -> r.m \in msgs /\ Acknowledge(r.i, r.m)
      [] r.a = "AcknowledgeOwn" -> AcknowledgeOwn(r.i, r.n)
      [] r.a = "AcknowledgeCommitted" -> AcknowledgeCommitted(r.i, r.to, r.n)
      [] r.a = "AdvanceCommit" -> AdvanceCommit(r.i, r.n)
      [] r.a = "SendHeartbeat" -> SendHeartbeat(r.i, r.to, r.n)
      [] r.a = "LearnCommit" -> r.m \in msgs /\ LearnCommit(r.i, r.m)
      [] r.a = "SendSnapshot" -> SendSnapshot(r.i, r.t)
      [] r.a = "InstallSnapshot" -> r.m \in msgs /\ InstallSnapshot(r.i, r.m)
      [] r.a = "Look" -> UNCHANGED vars

Shows(r) == "seen" \in DOMAIN r =>
    /\ role'[r.i] = r.seen.role
    /\ Term(r.i)' = r.seen.term
    /\ Len(Log(r.i)') = r.seen.last
    /\ commit'[r.i] = r.seen.commit

TraceInit == Init /\ at = 1

TraceNext ==
    \* r is bound, so that what is primed in Shows is not the step's number.
    \/ at <= Len(Run) /\ at' = at + 1 /\ \E r \in {Run[at]} : Step(r) /\ Shows(r)
    \/ at > Len(Run) /\ UNCHANGED <<vars, at>>

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, at>>
=============================================================================
