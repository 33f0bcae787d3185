-------------------------------- MODULE Paxos --------------------------------
(***************************************************************************)
(* Paxos: a group of acceptors chooses one value.                          *)
(*                                                                         *)
(* Lamport, "Paxos Made Simple", 2001: cited as PMS.  Lamport, "The        *)
(* Part-Time Parliament", 1998: cited as PTP.                              *)
(*                                                                         *)
(* A ballot belongs to one proposer, so a proposer needs no state but what *)
(* it said.  What an acceptor has is on its disk before it answers, so a   *)
(* crash of an acceptor is a silence, and needs no action either.  A       *)
(* message, once sent, stays: see Raft.tla.                                *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
    Acceptor,
    Value,
    Nothing,    \* no value
    Ballot      \* numbers above 0, which is before all

VARIABLES
    promised,   \* by acceptor: the highest ballot it has heard of
    accepted,   \* by acceptor: <<ballot, value>> of its latest vote; <<0, Nothing>>: none
    msgs

vars == <<promised, accepted, msgs>>

Majority(Q) == 2 * Cardinality(Q) > Cardinality(Acceptor)

Send(m) == msgs' = msgs \cup {m}

Init ==
    /\ promised = [a \in Acceptor |-> 0]
    /\ accepted = [a \in Acceptor |-> <<0, Nothing>>]
    /\ msgs = {}

-----------------------------------------------------------------------------
(* Phase 1                                                                 *)

\* The proposer of ballot b asks.  PMS 2.2, phase 1 (a)
Prepare(b) ==
    /\ Send([type |-> "prepare", ballot |-> b])
    /\ UNCHANGED <<promised, accepted>>

\* An acceptor promises to take part in no earlier ballot, and tells its latest
\* vote.  PMS 2.2, phase 1 (b)
Promise(a, m) ==
    /\ m.type = "prepare"
    /\ m.ballot > promised[a]
    /\ promised' = [promised EXCEPT ![a] = m.ballot]
    /\ Send([type |-> "promise", ballot |-> m.ballot, from |-> a, vote |-> accepted[a]])
    /\ UNCHANGED accepted

-----------------------------------------------------------------------------
(* Phase 2                                                                 *)

Promises(b) == {m \in msgs : m.type = "promise" /\ m.ballot = b}

\* A majority has promised.  If any of those counted has voted, the value is that
\* of the latest vote among them: an earlier ballot might have chosen it.  Else it
\* is the proposer's own.  PMS 2.2, phase 2 (a)
Propose(b, v) ==
    /\ ~\E m \in msgs : m.type = "accept" /\ m.ballot = b
    /\ \E S \in SUBSET Promises(b) :
        LET voted == {m \in S : m.vote[1] > 0}
        IN  /\ Majority({m.from : m \in S})
            /\ voted # {} => \E m \in voted : m.vote[2] = v /\ \A n \in voted : n.vote[1] <= m.vote[1]
    /\ Send([type |-> "accept", ballot |-> b, value |-> v])
    /\ UNCHANGED <<promised, accepted>>

\* An acceptor votes, unless it has promised not to.  PMS 2.2, phase 2 (b)
Accept(a, m) ==
    /\ m.type = "accept"
    /\ m.ballot >= promised[a]
    /\ accepted[a][1] < m.ballot
    /\ promised' = [promised EXCEPT ![a] = m.ballot]
    /\ accepted' = [accepted EXCEPT ![a] = <<m.ballot, m.value>>]
    /\ Send([type |-> "accepted", ballot |-> m.ballot, from |-> a, value |-> m.value])

Next ==
    \/ \E b \in Ballot : Prepare(b) \/ \E v \in Value : Propose(b, v)
    \/ \E a \in Acceptor, m \in msgs : Promise(a, m) \/ Accept(a, m)

Spec == Init /\ [][Next]_vars
LiveSpec == Spec /\ WF_vars(Next)

-----------------------------------------------------------------------------
(* Invariants                                                              *)

Voters(b, v) == {a \in Acceptor : [type |-> "accepted", ballot |-> b, from |-> a, value |-> v] \in msgs}

\* What a majority has voted for in one ballot is chosen.  PMS 2.2
Chosen == {v \in Value : \E b \in Ballot : Majority(Voters(b, v))}

TypeOK ==
    /\ promised \in [Acceptor -> {0} \cup Ballot]
    /\ accepted \in [Acceptor -> ({0} \X {Nothing}) \cup (Ballot \X Value)]

Agreement == Cardinality(Chosen) <= 1

\* PMS P2c: where v is proposed in b, a majority has voted for nothing else in an
\* earlier ballot, and will not.
Safe(b, v) == \A c \in {c \in Ballot : c < b} : \E Q \in SUBSET Acceptor :
    /\ Majority(Q)
    /\ \A a \in Q : a \in Voters(c, v) \/ (promised[a] > c /\ \A w \in Value : a \notin Voters(c, w))
ProposedIsSafe == \A m \in msgs : m.type = "accept" => Safe(m.ballot, m.value)

OneValueABallot == \A m, n \in msgs :
    m.type = "accept" /\ n.type = "accept" /\ m.ballot = n.ballot => m.value = n.value

-----------------------------------------------------------------------------
(* Temporal properties                                                     *)

ChosenStays == [][Chosen \subseteq Chosen']_vars
PromisesStay == [][\A a \in Acceptor : promised'[a] >= promised[a]]_vars

\* Ballots end, and then the last of them is undisturbed: something is chosen.
\* Nobody can promise that of ballots without an end.  FLP 1985
Termination == <>(Chosen # {})

Alike == Permutations(Acceptor) \cup Permutations(Value)
=============================================================================
