---- MODULE Raft_TTrace_1795258480 ----
EXTENDS Sequences, TLCExt, Toolbox, Naturals, TLC, Raft, Raft_TEConstants

_expression ==
    LET Raft_TEExpression == INSTANCE Raft_TEExpression
    IN Raft_TEExpression!expression
----

_trace ==
    LET Raft_TETrace == INSTANCE Raft_TETrace
    IN Raft_TETrace!trace
----

_inv ==
    ~(
        TLCGet("level") = Len(_TETrace)
        /\
        decided = ({<<1, <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>>>, <<1, <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>>>})
        /\
        elected = ({<<1, s1>>})
        /\
        msgs = ({[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [commit |-> 1, term |-> 1, type |-> "Heartbeat", from |-> s1, to |-> s2], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 3, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 3], [term |-> 1, type |-> "Ack", from |-> s2, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 2, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>]})
        /\
        disk = ((s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>>))
        /\
        role = ((s1 :> "leader" @@ s2 :> "follower"))
        /\
        commit = ((s1 :> 2 @@ s2 :> 0))
    )
----

_init ==
    /\ disk = _TETrace[1].disk
    /\ commit = _TETrace[1].commit
    /\ msgs = _TETrace[1].msgs
    /\ decided = _TETrace[1].decided
    /\ role = _TETrace[1].role
    /\ elected = _TETrace[1].elected
----

_next ==
    /\ \E i,j \in DOMAIN _TETrace:
        /\ \/ /\ j = i + 1
              /\ i = TLCGet("level")
        /\ disk  = _TETrace[i].disk
        /\ disk' = _TETrace[j].disk
        /\ commit  = _TETrace[i].commit
        /\ commit' = _TETrace[j].commit
        /\ msgs  = _TETrace[i].msgs
        /\ msgs' = _TETrace[j].msgs
        /\ decided  = _TETrace[i].decided
        /\ decided' = _TETrace[j].decided
        /\ role  = _TETrace[i].role
        /\ role' = _TETrace[j].role
        /\ elected  = _TETrace[i].elected
        /\ elected' = _TETrace[j].elected

\* Uncomment the ASSUME below to write the states of the error trace
\* to the given file in Json format. Note that you can pass any tuple
\* to `JsonSerialize`. For example, a sub-sequence of _TETrace.
    \* ASSUME
    \*     LET J == INSTANCE Json
    \*         IN J!JsonSerialize("Raft_TTrace_1795258480.json", _TETrace)

=============================================================================

 Note that you can extract this module `Raft_TEExpression`
  to a dedicated file to reuse `expression` (the module in the 
  dedicated `Raft_TEExpression.tla` file takes precedence 
  over the module `Raft_TEExpression` below).

---- MODULE Raft_TEExpression ----
EXTENDS Sequences, TLCExt, Toolbox, Naturals, TLC, Raft, Raft_TEConstants

expression == 
    [
        \* To hide variables of the `Raft` spec from the error trace,
        \* remove the variables below.  The trace will be written in the order
        \* of the fields of this record.
        disk |-> disk
        ,commit |-> commit
        ,msgs |-> msgs
        ,decided |-> decided
        ,role |-> role
        ,elected |-> elected
        
        \* Put additional constant-, state-, and action-level expressions here:
        \* ,_stateNumber |-> _TEPosition
        \* ,_diskUnchanged |-> disk = disk'
        
        \* Format the `disk` variable as Json value.
        \* ,_diskJson |->
        \*     LET J == INSTANCE Json
        \*     IN J!ToJson(disk)
        
        \* Lastly, you may build expressions over arbitrary sets of states by
        \* leveraging the _TETrace operator.  For example, this is how to
        \* count the number of times a spec variable changed up to the current
        \* state in the trace.
        \* ,_diskModCount |->
        \*     LET F[s \in DOMAIN _TETrace] ==
        \*         IF s = 1 THEN 0
        \*         ELSE IF _TETrace[s].disk # _TETrace[s-1].disk
        \*             THEN 1 + F[s-1] ELSE F[s-1]
        \*     IN F[_TEPosition - 1]
    ]

=============================================================================



Parsing and semantic processing can take forever if the trace below is long.
 In this case, it is advised to uncomment the module below to deserialize the
 trace from a generated binary file.

\*
\*---- MODULE Raft_TETrace ----
\*EXTENDS IOUtils, TLC, Raft, Raft_TEConstants
\*
\*trace == IODeserialize("Raft_TTrace_1795258480.bin", TRUE)
\*
\*=============================================================================
\*

---- MODULE Raft_TETrace ----
EXTENDS TLC, Raft, Raft_TEConstants

trace == 
    <<
    ([decided |-> {},elected |-> {},msgs |-> {},disk |-> (s1 :> <<[term |-> 0, vote |-> Nil, log |-> <<>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 0, vote |-> Nil, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "follower" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {},msgs |-> {},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 0, vote |-> Nil, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "candidate" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 0, vote |-> Nil, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "candidate" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> Nil, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "candidate" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "candidate" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "candidate" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [term |-> 1, type |-> "Ack", from |-> s2, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 0 @@ s2 :> 0)]),
    ([decided |-> {<<1, <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>>>},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [term |-> 1, type |-> "Ack", from |-> s2, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 1 @@ s2 :> 0)]),
    ([decided |-> {<<1, <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>>>},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [commit |-> 1, term |-> 1, type |-> "Heartbeat", from |-> s1, to |-> s2], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [term |-> 1, type |-> "Ack", from |-> s2, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 1 @@ s2 :> 0)]),
    ([decided |-> {<<1, <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>>>},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [commit |-> 1, term |-> 1, type |-> "Heartbeat", from |-> s1, to |-> s2], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [term |-> 1, type |-> "Ack", from |-> s2, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 1 @@ s2 :> 0)]),
    ([decided |-> {<<1, <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>>>},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [commit |-> 1, term |-> 1, type |-> "Heartbeat", from |-> s1, to |-> s2], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 3, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 3], [term |-> 1, type |-> "Ack", from |-> s2, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 2, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 1 @@ s2 :> 0)]),
    ([decided |-> {<<1, <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>>>, <<1, <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>>>},elected |-> {<<1, s1>>},msgs |-> {[term |-> 1, type |-> "Vote", from |-> s1, to |-> s1], [term |-> 1, type |-> "Vote", from |-> s2, to |-> s1], [commit |-> 1, term |-> 1, type |-> "Heartbeat", from |-> s1, to |-> s2], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 0, lastTerm |-> 0], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 1, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 2, lastTerm |-> 1], [term |-> 1, type |-> "RequestVote", from |-> s1, lastIndex |-> 3, lastTerm |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 1], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 2], [term |-> 1, type |-> "Ack", from |-> s1, to |-> s1, match |-> 3], [term |-> 1, type |-> "Ack", from |-> s2, to |-> s1, match |-> 1], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 0, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 0, prevTerm |-> 0, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 1, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>], [commit |-> 1, term |-> 1, type |-> "Append", from |-> s1, prev |-> 2, prevTerm |-> 1, entries |-> <<[term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>]},disk |-> (s1 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> a, voters |-> {}, old |-> {}], [term |-> 1, val |-> "no-op", voters |-> {s1}, old |-> {}]>>, kept |-> <<>>]>> @@ s2 :> <<[term |-> 1, vote |-> s1, log |-> <<[term |-> 1, val |-> a, voters |-> {}, old |-> {}]>>, kept |-> <<>>]>>),role |-> (s1 :> "leader" @@ s2 :> "follower"),commit |-> (s1 :> 2 @@ s2 :> 0)])
    >>
----


=============================================================================

---- MODULE Raft_TEConstants ----
EXTENDS Raft

CONSTANTS s1, s2, a

=============================================================================

---- CONFIG Raft_TTrace_1795258480 ----
CONSTANTS
    Server = { s1 , s2 }
    Founders = { s1 , s2 }
    Value = { a }
    Nil = Nil
    Groups = { { s1 } , { s1 , s2 } }
    Candidates = { s1 , s2 }
    Crashing = { }
    Keeping = { }
    Snapshots = FALSE
    QuickDisk = TRUE
    MaxTerm = 2
    MaxLog = 3
    s1 = s1
    s2 = s2
    a = a
    Nil = Nil

INVARIANT
    _inv

CHECK_DEADLOCK
    \* CHECK_DEADLOCK off because of PROPERTY or INVARIANT above.
    FALSE

INIT
    _init

NEXT
    _next

CONSTANT
    _TETrace <- _trace

ALIAS
    _expression
=============================================================================
\* Generated on Sat Nov 21 10:54:42 UTC 2026