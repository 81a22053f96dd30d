"""Operations of tokens and trusts, and the shapes of their answers, for the API's document."""
