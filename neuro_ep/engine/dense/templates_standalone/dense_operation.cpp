{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "dense.hpp"
#include "network.h"
{% endblock %}
