{% extends 'dense_operation.cpp' %}
{% set _n_own, _n_other = (_n_pre, _n_post) if side == "pre" else (_n_post, _n_pre) %}
{% block maincode %}
    const int _n_events = {{get_array_name(events)}}[{{replicas * _n_own}}];
    const size_t _vectorisation_idx = -1;
    {{scalar_code['event']|autoindent}}
    for (int _event = 0; _event < _n_events; _event++)
    {
        const int _own = {{get_array_name(events)}}[_event];
        const int _replica = _own / {{_n_own}};
        {% if side == "pre" %}
        const int _pre_neuron = _own;
        const int32_t i = _own % {{_n_own}};
        for (int32_t j = 0; j < {{_n_other}}; j++)
        {
            const int _post_neuron = _replica * {{_n_other}} + j;
        {% else %}
        const int _post_neuron = _own;
        const int32_t j = _own % {{_n_own}};
        for (int32_t i = 0; i < {{_n_other}}; i++)
        {
            const int _pre_neuron = _replica * {{_n_other}} + i;
        {% endif %}
            const int _idx = i * {{_n_post}} + j;
            const size_t _replicated = (size_t)_replica * {{_n_pre * _n_post}} + _idx;
            const size_t _vectorisation_idx = _idx;
            {% for array in averaged %}
            const {{c_data_type(array.dtype)}} _before_{{array.name}} = {{get_array_name(array)}}[_idx];
            {% endfor %}
            {{vector_code['event']|autoindent}}
            {% for array in averaged %}
            {{get_array_name(array)}}[_idx] = _before_{{array.name}} + ({{get_array_name(array)}}[_idx] - _before_{{array.name}}) / {{replicas}};
            {% endfor %}
        }
    }
{% endblock %}
