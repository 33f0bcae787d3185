-------------------------------- MODULE Raft --------------------------------
(***************************************************************************)
(* Raft as the protocol of this house means it: elections, replication,    *)
(* changes of the group in one step and through a joint group, snapshots,  *)
(* crashes that lose what a disk had not taken yet.                        *)
(*                                                                         *)
(* Ongaro and Ousterhout, "In Search of an Understandable Consensus        *)
(* Algorithm", extended version, 2014: cited as S.  Ongaro, "Consensus:    *)
(* Bridging Theory and Practice", 2014: cited as thesis.                   *)
(*                                                                         *)
(* Three choices make it short.                                            *)
(*                                                                         *)
(* A message, once sent, stays in msgs.  To receive it is to read it there,*)
(* any time, any number of times or never: loss, delay, duplication and    *)
(* reordering need no actions.  A leader's matchIndex is the set of        *)
(* acknowledgements that were sent to it, a candidate's tally the set of   *)
(* votes.                                                                  *)
(*                                                                         *)
(* disk[i] is all that server i has saved, oldest first.  The first record *)
(* is durable, the last is what the server works with.  What a message     *)
(* promises is read off the first record and never off the last: that is   *)
(* the rule that a server answers when its disk has it.                    *)
(*                                                                         *)
(* Logs are whole.  A log that was cut after its application became durable*)
(* has the same entries as before, of which the application holds some;    *)
(* kept is the prefix that an application has made durable, and outlives a *)
(* crash even where it is ahead of the log.                                *)
(*                                                                         *)
(* Not here: time (so neither leases nor what makes elections end), reads, *)
(* client sessions, flow control, PreVote's messages.  A pre-candidate is a*)
(* follower.                                                               *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Server,     \* all servers that there ever are
    Founders,   \* voters of the first group
    Value,      \* what clients ask for
    Nil,        \* nobody
    Groups,     \* sets of voters that a leader may be asked for
    Candidates, \* servers whose election timer may fire
    Crashing,   \* servers that may crash
    Keeping,    \* servers whose application becomes durable by itself
    Snapshots,  \* whether leaders send applications' states
    QuickDisk,  \* whether a record is durable at once
    MaxTerm,    \* bounds of an instance
    MaxLog

VARIABLES
    disk,     \* by server: records [term, vote, log, kept], durable one first
    role,     \* by server: "follower", "candidate", "leader"; lost in a crash
    commit,   \* by server: commitIndex; lost in a crash
    msgs,     \* all that was ever sent
    elected,  \* all pairs <<term, server>> that led; looked at by properties, and by old leaders
    decided   \* all pairs <<term, log>> that a leader committed; looked at by properties only

vars == <<disk, role, commit, msgs, elected, decided>>

-----------------------------------------------------------------------------
(* Logs and groups                                                         *)

Entry(t, v, g, o) == [term |-> t, val |-> v, voters |-> g, old |-> o]
NoOp == "no-op"

Last(s) == s[Len(s)]
Min(a, b) == IF a < b THEN a ELSE b
TermAt(l, n) == IF n = 0 THEN 0 ELSE l[n].term
Prefix(l, n) == SubSeq(l, 1, n)
IsPrefix(a, b) == Len(a) <= Len(b) /\ Prefix(b, Len(a)) = a
Has(l, n, t) == n <= Len(l) /\ TermAt(l, n) = t

\* The group that a log holds: the latest entry that changes it counts from
\* when it is there, decided or not.  S 6
GroupIndex(l) ==
    LET C == {n \in 1..Len(l) : l[n].voters # {}}
    IN  IF C = {} THEN 0 ELSE CHOOSE n \in C : \A k \in C : k <= n
Group(l) ==
    LET n == GroupIndex(l)
    IN  IF n = 0 THEN [voters |-> Founders, old |-> {}] ELSE [voters |-> l[n].voters, old |-> l[n].old]

Majority(Q, S) == 2 * Cardinality(Q \cap S) > Cardinality(S)
\* While there are two groups, a decision takes a majority of each.  S 6
IsQuorum(Q, g) == Majority(Q, g.voters) /\ (g.old = {} \/ Majority(Q, g.old))

-----------------------------------------------------------------------------
(* Servers                                                                 *)

Term(i) == Last(disk[i]).term
Vote(i) == Last(disk[i]).vote
Log(i) == Last(disk[i]).log
Durable(i) == disk[i][1]

\* What a server says.  The first three promise what is durable.
RequestVoteOf(i) ==
    LET d == Durable(i)
    IN  [type |-> "RequestVote", term |-> d.term, from |-> i,
         lastIndex |-> Len(d.log), lastTerm |-> TermAt(d.log, Len(d.log))]
VoteOf(i) == [type |-> "Vote", term |-> Durable(i).term, from |-> i, to |-> Durable(i).vote]
AckOf(i, t, to, n) == [type |-> "Ack", term |-> t, from |-> i, to |-> to, match |-> n]
TermOf(i) == [type |-> "Term", term |-> Durable(i).term]
AppendOf(i, prev, n) ==
    [type |-> "Append", term |-> Term(i), from |-> i, prev |-> prev, prevTerm |-> TermAt(Log(i), prev),
     entries |-> SubSeq(Log(i), prev + 1, prev + n), commit |-> commit[i]]
HeartbeatOf(i, j, n) == [type |-> "Heartbeat", term |-> Term(i), from |-> i, to |-> j, commit |-> n]
SnapshotOf(i, t) == [type |-> "Snapshot", term |-> t, from |-> i, prefix |-> Prefix(Log(i), commit[i])]

Save(i, r) == disk' = [disk EXCEPT ![i] = IF QuickDisk THEN <<r>> ELSE Append(@, r)]
Send(m) == msgs' = msgs \cup {m}
Become(i, r) == role' = [role EXCEPT ![i] = r]

Init ==
    /\ disk = [i \in Server |-> <<[term |-> 0, vote |-> Nil, log |-> <<>>, kept |-> <<>>]>>]
    /\ role = [i \in Server |-> "follower"]
    /\ commit = [i \in Server |-> 0]
    /\ msgs = {}
    /\ elected = {}
    /\ decided = {}

-----------------------------------------------------------------------------
(* Disks                                                                   *)

\* The oldest record that is not durable becomes so.
Sync(i) ==
    /\ Len(disk[i]) > 1
    /\ disk' = [disk EXCEPT ![i] = Tail(@)]
    /\ UNCHANGED <<role, commit, msgs, elected, decided>>

\* The application makes what it has executed durable; its log may lag behind.
Flush(i) ==
    LET a == Prefix(Log(i), commit[i])
    IN  /\ i \in Keeping
        /\ Len(a) > Len(Durable(i).kept)
        /\ disk' = [disk EXCEPT ![i] = [n \in 1..Len(@) |->
                     IF Len(a) > Len(@[n].kept) THEN [@[n] EXCEPT !.kept = a] ELSE @[n]]]
        /\ UNCHANGED <<role, commit, msgs, elected, decided>>

\* What a server starts again with: where its log lacks what its application
\* holds, the application is believed, as if a snapshot had come.  S 7
Restored(r) ==
    IF Has(r.log, Len(r.kept), TermAt(r.kept, Len(r.kept))) THEN r ELSE [r EXCEPT !.log = r.kept]

\* A server stops, and starts again with the durable record or any later one.
Crash(i, n) ==
    /\ n \in 1..Len(disk[i])
    /\ disk' = [disk EXCEPT ![i] = <<Restored(@[n])>>]
    /\ Become(i, "follower")
    /\ commit' = [commit EXCEPT ![i] = Len(disk[i][n].kept)]
    /\ UNCHANGED <<msgs, elected, decided>>

-----------------------------------------------------------------------------
(* Elections                                                               *)

\* No leader is heard: a new term, and a vote for oneself.  S 5.2
Timeout(i) ==
    /\ i \in Candidates
    /\ role[i] # "leader"
    /\ Term(i) < MaxTerm
    /\ Save(i, [Last(disk[i]) EXCEPT !.term = @ + 1, !.vote = i])
    /\ Become(i, "candidate")
    /\ UNCHANGED <<commit, msgs, elected, decided>>

\* Votes are asked for once the candidacy is durable.  S 5.2
AskVotes(i) ==
    /\ Durable(i).vote = i
    /\ Send(RequestVoteOf(i))
    /\ UNCHANGED <<disk, role, commit, elected, decided>>

\* Every answer names the term of its sender.  S 5.1
TellTerm(i) ==
    /\ Send(TermOf(i))
    /\ UNCHANGED <<disk, role, commit, elected, decided>>

\* A message of a later term is heard.  S 5.1
UpdateTerm(i, t) ==
    /\ t > Term(i)
    /\ \E m \in msgs : m.term = t
    /\ Save(i, [Last(disk[i]) EXCEPT !.term = t, !.vote = Nil])
    /\ Become(i, "follower")
    /\ UNCHANGED <<commit, msgs, elected, decided>>

\* One vote in a term, for a log at least as complete.  S 5.2, S 5.4.1
GrantVote(i, m) ==
    LET n == Len(Log(i))
        t == TermAt(Log(i), n)
    IN  /\ m.type = "RequestVote"
        /\ m.term = Term(i)
        /\ Vote(i) = Nil
        /\ m.lastTerm > t \/ (m.lastTerm = t /\ m.lastIndex >= n)
        /\ Save(i, [Last(disk[i]) EXCEPT !.vote = m.from])
        /\ UNCHANGED <<role, commit, msgs, elected, decided>>

\* A vote leaves when it is durable, a candidate's own like any other.  S 5.2
SendVote(i) ==
    /\ Durable(i).vote # Nil
    /\ Send(VoteOf(i))
    /\ UNCHANGED <<disk, role, commit, elected, decided>>

Votes(i) == {j \in Server : [type |-> "Vote", term |-> Term(i), from |-> j, to |-> i] \in msgs}

\* S 5.2
BecomeLeader(i) ==
    /\ role[i] = "candidate"
    /\ IsQuorum(Votes(i), Group(Log(i)))
    /\ Become(i, "leader")
    /\ elected' = elected \cup {<<Term(i), i>>}
    /\ UNCHANGED <<disk, commit, msgs, decided>>

\* Anybody may give up: a candidate that hears a leader, a leader that does not
\* hear a majority, or is no longer in the group.  Thesis 6.2, 4.2.2
StepDown(i) ==
    /\ role[i] # "follower"
    /\ Become(i, "follower")
    /\ UNCHANGED <<disk, commit, msgs, elected, decided>>

-----------------------------------------------------------------------------
(* Replication                                                             *)

Extend(i, e) ==
    /\ role[i] = "leader"
    /\ Len(Log(i)) < MaxLog
    /\ Save(i, [Last(disk[i]) EXCEPT !.log = Append(@, e)])
    /\ UNCHANGED <<role, commit, msgs, elected, decided>>

\* S 5.3
Propose(i, v) == Extend(i, Entry(Term(i), v, {}, {}))

\* Entries leave before the leader's own disk has them.  S 5.3, thesis 10.2.1
SendAppend(i, prev, n) ==
    /\ role[i] = "leader"
    /\ prev + n <= Len(Log(i))
    /\ Send(AppendOf(i, prev, n))
    /\ UNCHANGED <<disk, role, commit, elected, decided>>

\* Whether log l holds all that m brings.
Agrees(l, m) ==
    /\ Has(l, m.prev, m.prevTerm)
    /\ m.prev + Len(m.entries) <= Len(l)
    /\ SubSeq(l, m.prev + 1, m.prev + Len(m.entries)) = m.entries

\* What log l becomes: what is there already stays, for a message that is late
\* must not cut off what came after it.  S 5.3, Figure 2
Merge(l, m) ==
    LET new == {k \in 1..Len(m.entries) : ~Has(l, m.prev + k, m.entries[k].term)}
    IN  IF new = {} THEN l ELSE Prefix(l, m.prev) \o m.entries

\* S 5.3
AcceptAppend(i, m) ==
    LET l == Merge(Log(i), m)
    IN  /\ m.type = "Append"
        /\ m.term = Term(i)
        /\ role[i] # "leader"
        /\ Has(Log(i), m.prev, m.prevTerm)
        /\ l # Log(i)
        /\ Save(i, [Last(disk[i]) EXCEPT !.log = l])
        /\ Become(i, "follower")
        /\ UNCHANGED <<commit, msgs, elected, decided>>

\* A follower answers when its disk has what a message brought.  S 5.3
MayAcknowledge(i, m) == m.term = Durable(i).term /\ m.from # i /\ Agrees(Durable(i).log, m)
Acknowledge(i, m) ==
    /\ m.type = "Append"
    /\ MayAcknowledge(i, m)
    /\ Send(AckOf(i, m.term, m.from, m.prev + Len(m.entries)))
    /\ UNCHANGED <<disk, role, commit, elected, decided>>

\* So does the leader, to itself.  Thesis 10.2.1
AcknowledgeOwn(i, n) ==
    LET d == Durable(i)
    IN  /\ <<d.term, i>> \in elected
        /\ n <= Len(d.log)
        /\ Send(AckOf(i, d.term, i, n))
        /\ UNCHANGED <<disk, role, commit, elected, decided>>

\* What is committed here is the leader's too: the answer to a snapshot, and to
\* entries from before the application's state.  S 7
MayAcknowledgeCommitted(i, to, n) ==
    LET d == Durable(i)
    IN  /\ <<d.term, to>> \in elected
        /\ n <= commit[i] /\ n <= Len(d.log)
        /\ Prefix(d.log, n) = Prefix(Log(i), n)
        /\ TermAt(d.log, n) <= d.term
AcknowledgeCommitted(i, to, n) ==
    /\ MayAcknowledgeCommitted(i, to, n)
    /\ Send(AckOf(i, Durable(i).term, to, n))
    /\ UNCHANGED <<disk, role, commit, elected, decided>>

Acked(i, n) == {j \in Server : \E m \in msgs : m.type = "Ack" /\ m.term = Term(i) /\ m.to = i
                                               /\ m.from = j /\ m.match >= n}

\* Decided is what a quorum holds, if the last of it is of this term.  S 5.4.2
AdvanceCommit(i, n) ==
    /\ role[i] = "leader"
    /\ n \in commit[i] + 1 .. Len(Log(i))
    /\ TermAt(Log(i), n) = Term(i)
    /\ IsQuorum(Acked(i, n), Group(Log(i)))
    /\ commit' = [commit EXCEPT ![i] = n]
    /\ decided' = decided \cup {<<Term(i), Prefix(Log(i), n)>>}
    /\ UNCHANGED <<disk, role, msgs, elected>>

\* A heartbeat says what is decided of that which its receiver holds.  S 5.3
SendHeartbeat(i, j, n) ==
    /\ role[i] = "leader"
    /\ n \in 1..commit[i]
    /\ j \in Acked(i, n)
    /\ Send(HeartbeatOf(i, j, n))
    /\ UNCHANGED <<disk, role, commit, elected, decided>>

Learn(i, n) ==
    /\ n > commit[i]
    /\ commit' = [commit EXCEPT ![i] = n]
    /\ UNCHANGED <<disk, role, msgs, elected, decided>>

\* Not further than the message has verified: what follows may be another
\* leader's.  S 5.3
LearnCommit(i, m) ==
    /\ m.term = Term(i)
    /\ role[i] # "leader"
    /\ \/ m.type = "Append" /\ Agrees(Log(i), m) /\ Learn(i, Min(m.commit, m.prev + Len(m.entries)))
       \/ m.type = "Heartbeat" /\ m.to = i /\ Learn(i, Min(m.commit, Len(Log(i))))

-----------------------------------------------------------------------------
(* Snapshots                                                               *)

\* An old leader's message may leave late: it carries the application's state
\* of then.  S 7
MaySendSnapshot(i, t) == <<t, i>> \in elected /\ t <= Term(i) /\ commit[i] > 0
SendSnapshot(i, t) ==
    /\ MaySendSnapshot(i, t)
    /\ Send(SnapshotOf(i, t))
    /\ UNCHANGED <<disk, role, commit, elected, decided>>

\* What follows the snapshot in the log stays, for it may have been promised. S 7
InstallSnapshot(i, m) ==
    /\ m.type = "Snapshot"
    /\ m.term = Term(i)
    /\ role[i] # "leader"
    /\ Len(m.prefix) > commit[i]
    /\ Save(i, Restored([Last(disk[i]) EXCEPT !.kept = m.prefix]))
    /\ Become(i, "follower")
    /\ commit' = [commit EXCEPT ![i] = Len(m.prefix)]
    /\ UNCHANGED <<msgs, elected, decided>>

-----------------------------------------------------------------------------
(* Changes of the group                                                    *)

Apart(a, b) == Cardinality(a \ b) + Cardinality(b \ a)

\* One voter at once, or through a joint group.  One change at a time, and none
\* before an entry of this term is committed: a change of an earlier leader
\* might still be decided.  S 6, thesis 4.1, Ongaro on raft-dev, 10 July 2015
ChangeGroup(i, v, new, old) ==
    LET g == Group(Log(i))
    IN  /\ new # {}
        /\ GroupIndex(Log(i)) <= commit[i]
        /\ TermAt(Log(i), commit[i]) = Term(i)
        /\ IF g.old # {} THEN new = g.voters /\ old = {}
           ELSE \/ old = {} /\ Apart(new, g.voters) <= 1
                \/ old = g.voters
        /\ Extend(i, Entry(Term(i), v, new, old))

-----------------------------------------------------------------------------

\* What a server does.
Act(i) ==
    \/ Sync(i) \/ Flush(i) \/ Timeout(i) \/ BecomeLeader(i) \/ StepDown(i)
    \/ i \in Crashing /\ \E n \in 1..Len(disk[i]) : Crash(i, n)
    \/ \E t \in 1..MaxTerm : UpdateTerm(i, t)
    \/ \E v \in Value : Propose(i, v)
    \/ \E g \in Groups : \E o \in {{}, Group(Log(i)).voters} : ChangeGroup(i, NoOp, g, o)
    \/ \E n \in 1..Len(Log(i)) : AdvanceCommit(i, n)
    \/ \E m \in msgs : GrantVote(i, m) \/ AcceptAppend(i, m) \/ LearnCommit(i, m) \/ InstallSnapshot(i, m)

\* What it says.
Speak(i) ==
    \/ AskVotes(i) \/ SendVote(i)
    \/ i \in Crashing /\ TellTerm(i) \* of a term that survived a crash none but its server may know
    \/ \E p \in 0..Len(Log(i)) : \E n \in 0..Len(Log(i)) - p : SendAppend(i, p, n)
    \/ \E m \in msgs : Acknowledge(i, m)
    \/ \E n \in 0..Len(Durable(i).log) : AcknowledgeOwn(i, n)
    \/ \E j \in Server \ {i} : \E n \in 1..commit[i] : SendHeartbeat(i, j, n)
    \/ /\ Snapshots
       /\ \/ \E t \in 1..MaxTerm : SendSnapshot(i, t)
          \/ \E j \in Server \ {i} : \E n \in 1..Len(Log(i)) : AcknowledgeCommitted(i, j, n)

Next == \E i \in Server : Act(i) \/ Speak(i)

Spec == Init /\ [][Next]_vars

\* Without givers-up, and with all that may happen happening in the end.
Calm == \A i \in Server : role[i] # "follower" => role'[i] # "follower"
LiveSpec == Init /\ [][Next /\ Calm]_vars /\ WF_vars(Next /\ Calm)

-----------------------------------------------------------------------------
(* Invariants: the properties of Figure 3                                  *)

TypeOK ==
    /\ \A i \in Server : \A n \in 1..Len(disk[i]) :
          LET r == disk[i][n]
          IN  r.term \in 0..MaxTerm /\ r.vote \in Server \cup {Nil} /\ Len(r.log) <= MaxLog
    /\ role \in [Server -> {"follower", "candidate", "leader"}]
    /\ \A i \in Server : commit[i] \in 0..Len(Log(i))

ElectionSafety == \A a, b \in elected : a[1] = b[1] => a[2] = b[2]

LogMatching == \A i, j \in Server : \A n \in 1..Min(Len(Log(i)), Len(Log(j))) :
    Log(i)[n].term = Log(j)[n].term => Prefix(Log(i), n) = Prefix(Log(j), n)

LeaderCompleteness == \A i \in Server : role[i] = "leader" =>
    \A d \in decided : d[1] <= Term(i) => IsPrefix(d[2], Log(i))

StateMachineSafety ==
    /\ \A a, b \in decided : IsPrefix(a[2], b[2]) \/ IsPrefix(b[2], a[2])
    /\ \A i \in Server : commit[i] > 0 => \E d \in decided : IsPrefix(Prefix(Log(i), commit[i]), d[2])

\* What was decided is on the disks of a quorum, for good: of the group that it holds
\* itself, or of a later one, by which a leader may decide what is before it.
DecidedIsDurable == \A d \in decided :
    LET holders == {i \in Server : IsPrefix(d[2], Restored(Durable(i)).log)}
        groups == {Group(d[2])} \cup {Group(Log(i)) : i \in {i \in Server : IsPrefix(d[2], Log(i))}}
    IN  \/ \E g \in groups : IsQuorum(holders, g)
        \/ \E e \in decided : Len(e[2]) > Len(d[2]) /\ IsPrefix(d[2], e[2])

-----------------------------------------------------------------------------
(* Temporal properties                                                     *)

\* S 5.3
LeaderAppendOnly == [][\A i \in Server :
    role[i] = "leader" /\ role'[i] = "leader" /\ Term(i)' = Term(i) => IsPrefix(Log(i), Log(i)')]_vars

\* No promise is taken back: durable terms grow, and a vote in a term stays.
PromisesStay == [][\A i \in Server :
    LET d == Durable(i)
        e == Durable(i)'
    IN  e.term >= d.term /\ (e.term = d.term /\ d.vote # Nil => e.vote = d.vote)]_vars

DecidedStays == [][decided \subseteq decided']_vars

\* Under LiveSpec, with one candidate: the log fills, and all learn it.
Progress == <>(\A i \in Founders : commit[i] = MaxLog)

-----------------------------------------------------------------------------
(* Instances                                                               *)

\* No guard asks that a message was not sent.  So a behaviour in which all is said
\* as soon as it may be does, but for msgs, whatever the others do, and an instance
\* needs no others.  Says(i) is all that i may say and that tells anybody anything;
\* that it is all is checked by SaysAll, where the reduction is not made.
Says(i) ==
    LET d == Durable(i)
        l == Log(i)
    IN  (IF d.vote = i THEN {RequestVoteOf(i)} ELSE {})
        \cup (IF d.vote # Nil THEN {VoteOf(i)} ELSE {})
        \cup (IF i \in Crashing THEN {TermOf(i)} ELSE {})
        \cup (IF role[i] # "leader" THEN {} ELSE
              {AppendOf(i, x[1], x[2]) : x \in {x \in (0..Len(l)) \X (1..Len(l)) : x[1] + x[2] <= Len(l)}}
              \cup {HeartbeatOf(i, x[1], x[2]) : x \in
                     {x \in (Server \ {i}) \X (1..commit[i]) : x[1] \in Acked(i, x[2])}})
        \cup {AckOf(i, d.term, m.from, m.prev + Len(m.entries)) : m \in
               {m \in msgs : m.type = "Append" /\ MayAcknowledge(i, m)}}
        \cup (IF <<d.term, i>> \in elected THEN {AckOf(i, d.term, i, n) : n \in 1..Len(d.log)} ELSE {})
        \cup (IF ~Snapshots THEN {} ELSE
              {SnapshotOf(i, t) : t \in {t \in 1..Term(i) : MaySendSnapshot(i, t)}}
              \cup {AckOf(i, d.term, x[1], x[2]) : x \in
                     {x \in (Server \ {i}) \X (1..Len(l)) : MayAcknowledgeCommitted(i, x[1], x[2])}})

Unsaid == UNION {Says(i) : i \in Server} \ msgs

EagerNext ==
    IF Unsaid # {} THEN msgs' = msgs \cup Unsaid /\ UNCHANGED <<disk, role, commit, elected, decided>>
    ELSE \E i \in Server : Act(i)
EagerSpec == Init /\ [][EagerNext]_vars

Idle(m) == (m.type = "Append" /\ m.entries = <<>>) \/ (m.type = "Ack" /\ m.match = 0)
SaysAll == [][\A m \in msgs' \ msgs : Idle(m) \/ m \in UNION {Says(i) : i \in Server}]_vars

\* Servers that trade places without changing the instance.
Alike == {p \in Permutations(Server) :
    /\ \A S \in {Founders, Candidates, Crashing, Keeping} : {p[x] : x \in S} = S
    /\ {{p[x] : x \in S} : S \in Groups} = Groups}
=============================================================================
