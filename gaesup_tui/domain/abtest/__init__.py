"""The A/B test: two arms of users compared on one business metric, with an answer that is right
however often somebody looks. Pure; nothing here keeps a state of its own: an answer is a function
of how many users each arm has, how many of them converted, and how long it has been running.

``counts`` what is compared; ``difference`` the effect and its interval; ``split`` whether users
came in the shares they should have; ``asking`` the answer; ``ahead`` how long until there is one;
``words`` the sentences; ``answer`` what the journal keeps; ``rules`` what follows for a rollout;
``spec`` and ``wanting`` what a person writes and what is missing in it; ``views``, ``showing`` and
``telling`` what people are shown.
"""
