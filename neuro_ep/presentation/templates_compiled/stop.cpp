        /* the run has exactly the length of its presentations: nothing to stop */
